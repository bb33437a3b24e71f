"""Signals that higher packages receive."""

from django.dispatch import Signal

# Sent with `subject` (a `Monitored` row), in the transaction that disables it.
disabled = Signal()
# Sent with `moves`, pairs of a credential as it is stored and as it is to be saved, in the
# transaction that saves a change of the hosts that their secrets are sent to.
destination_changed = Signal()
