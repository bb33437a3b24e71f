"""What time it is. Everything asks here, so that a test can freeze one place."""

from datetime import datetime

from django.utils import timezone


def now() -> datetime:
    return timezone.now()
