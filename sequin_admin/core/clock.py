"""The current time. All code calls `clock.now()`, so that tests can freeze one function."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    return timezone.now()
