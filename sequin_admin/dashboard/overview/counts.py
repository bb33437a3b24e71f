"""How much waits for whom, over everything: from the open causes, as the queues below are."""

from dataclasses import dataclass

from django.db.models import Count, Sum

from sequin_admin.access.models import Organization
from sequin_admin.health.models import Cause
from sequin_admin.health.status import Status


@dataclass(frozen=True)
class PartyCount:
    """What waits for one party: `broken` things in `causes`, and `waiting` ones that need them."""

    status: str
    who: str
    causes: int = 0
    broken: int = 0
    waiting: int = 0


def count_parties(organization: Organization) -> list[PartyCount]:
    """Ours first. One query."""
    rows = Cause.objects.of(organization).open().order_by().values_list("status")
    counted = rows.annotate(Count("pk"), Sum("open_incidents"), Sum("affected"))
    found = {status: counts for status, *counts in counted}
    parties = ((Status.SEQUIN.value, "us"), (Status.CUSTOMER.value, "customers"))
    return [PartyCount(status, who, *found.get(status, ())) for status, who in parties]
