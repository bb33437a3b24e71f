"""Sends what the demo's past has posted, at its own times, so that the worker does not today."""

from datetime import datetime, timedelta

from django.db import transaction
from django.test.utils import override_settings

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, leases
from sequin_admin.notifications import delivery
from sequin_admin.notifications.models import Delivery

# Nobody lives at the addresses of the demo, so its mails of the past end here.
NOWHERE = "django.core.mail.backends.dummy.EmailBackend"
SENT_AFTER = timedelta(seconds=4)


def deliver_past(organization: Organization, *, before: datetime) -> int:
    """Deliver what is pending since `before`, the oldest first, each seconds after its posting."""
    pending = Delivery.objects.pending().filter(organization=organization, created_at__lt=before)
    rows = pending.order_by("created_at", "pk")
    with override_settings(EMAIL_BACKEND=NOWHERE):
        return sum(deliver(row) for row in rows.defer("secrets"))


def deliver(row: Delivery) -> bool:
    with clock.at(row.created_at + SENT_AFTER):
        with transaction.atomic():
            leases.take_locked([row], delivery.LEASE)
        return delivery.deliver_claimed(row)
