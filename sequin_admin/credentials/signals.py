"""Signals that higher packages receive."""

from django.dispatch import Signal

# Sent with `subject` (a `Monitored` row), in the transaction that disables it.
disabled = Signal()
# Sent with the stored credential `before` and the unsaved `after`, in the transaction that saves a
# change of the host that its secrets are sent to.
destination_changed = Signal()
