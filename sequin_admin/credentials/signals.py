"""Signals that higher packages receive."""

from django.dispatch import Signal

# Sent with `subject` (a `Monitored` row), in the transaction that disables it.
disabled = Signal()
