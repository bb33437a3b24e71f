"""What the packages above may listen to."""

from django.dispatch import Signal

# Sent with `subject`, in the transaction in which people put something watched aside.
disabled = Signal()
