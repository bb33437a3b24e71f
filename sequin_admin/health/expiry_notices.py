"""Which notices of ends were posted, so that each is posted once, whoever asks how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.core import clock, pruning
from sequin_admin.credentials.ends import SAME_END

# Before any notice was posted.
NOT_YET = timedelta(days=36_500)
KEEP = timedelta(days=30)


class ExpiryNotice(models.Model):
    """The last notice of one end: of which end, and how long before it.

    `what` is the sort of thing that ends and `subject` its id, or the slug of a provider's change.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    what = models.CharField(max_length=20)
    subject = models.CharField(max_length=60)
    ends_at = models.DateTimeField()
    before = models.DurationField(default=NOT_YET)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "what", "subject"), name="expiry_notice_once"
            ),
        )
        indexes = (models.Index(fields=("ends_at",), name="expiry_notice_end"),)

    def __str__(self) -> str:
        return f"{self.what} {self.subject} ends on {self.ends_at:%Y-%m-%d}"


@dataclass(frozen=True)
class DueNotice:
    """A notice to post, unless it was. `step` is how long before the end it belongs."""

    organization_id: UUID
    what: str
    subject: str
    ends_at: datetime
    step: timedelta

    @property
    def key(self) -> tuple[UUID, str, str]:
        return self.organization_id, self.what, self.subject


def claim_notices(wanted: Sequence[DueNotice]) -> list[DueNotice]:
    """Those of one `what` that were not posted yet, which from now on count as posted.

    Call it in the transaction that posts them. Another process that wants the same ones waits, and
    then gets none.
    """
    if not wanted:
        return []
    table, what = ExpiryNotice.objects, wanted[0].what
    organizations = {each.organization_id for each in wanted}
    mine = table.filter(
        organization__in=organizations, what=what, subject__in=[each.subject for each in wanted]
    )
    table.bulk_create(
        (
            ExpiryNotice(
                organization_id=each.organization_id,
                what=what,
                subject=each.subject,
                ends_at=each.ends_at,
            )
            for each in sorted(wanted, key=lambda each: (str(each.organization_id), each.subject))
        ),
        ignore_conflicts=True,
    )
    locked = mine.order_by("organization_id", "subject").select_for_update()
    known = {(row.organization_id, row.what, row.subject): row for row in locked}
    due = [each for each in wanted if not is_posted(known[each.key], each)]
    for each in due:
        known[each.key].ends_at, known[each.key].before = each.ends_at, each.step
    table.bulk_update([known[each.key] for each in due], ["ends_at", "before"])
    return due


def is_posted(row: ExpiryNotice, notice: DueNotice) -> bool:
    return abs(row.ends_at - notice.ends_at) < SAME_END and row.before <= notice.step


def prune() -> int:
    """Delete the notices of what ended long ago. Returns how many."""
    return pruning.prune(ExpiryNotice.objects.filter(ends_at__lt=clock.now() - KEEP), by="ends_at")
