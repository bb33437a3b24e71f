"""Signals for the packages above health."""

from django.dispatch import Signal

# Sent with `subjects`, all of one model, after their changed statuses are stored. A receiver
# returns None, or a `Counter` by subject id of how many rows depend on each subject.
status_changed = Signal()
