"""What the packages above health may listen to."""

from django.dispatch import Signal

# Sent with `subjects`, all of one model, after their statuses have changed and are stored. A
# receiver answers None, or a `Counter` of how many rows took each subject's trouble over, by id.
status_changed = Signal()
