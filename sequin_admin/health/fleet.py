"""An organization's credentials in one glance: counts, queues and what changed last."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from django.core.cache import cache
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
)

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import Incident
from sequin_admin.health.status import Status, worst

LARGE = 5000
CENSUS_S = 15


class Group(TypedDict):
    """How many credentials share a kind, a status and being disabled or not."""

    kind: str
    health_status: str
    disabled: bool
    count: int


@dataclass(frozen=True)
class ProviderCount:
    """One provider's credentials. `status` is that of the sickest, empty when none is probed."""

    provider: str
    title: str
    count: int
    status: str


@dataclass(frozen=True)
class Census:
    """Everything counted. `by_status` leaves out the disabled ones; its key "" is: not probed."""

    total: int
    disabled: int
    by_status: dict[str, int]
    at: datetime
    providers: list[ProviderCount]

    @property
    def is_large(self) -> bool:
        """Whether counting takes long enough to do it seldom."""
        return self.total >= LARGE


def census(organization: Organization) -> Census:
    """A large fleet is counted at most every `CENSUS_S` seconds, a small one each time."""
    key = f"census:{organization.pk}"
    known: Census | None = cache.get(key)
    if known is None:
        known = count_all(organization)
        if known.is_large:
            cache.set(key, known, CENSUS_S)
    return known


def count_all(organization: Organization) -> Census:
    """Count in one query, whatever the number of credentials."""
    disabled = ExpressionWrapper(Q(disabled_at__isnull=False), output_field=BooleanField())
    rows = Credential.objects.of(organization).values("kind", "health_status", disabled=disabled)
    return count(rows.annotate(count=Count("pk")).order_by())


def count(groups: Iterable[Group]) -> Census:
    """Add the groups up."""
    by_status, by_provider = Counter[str](), Counter[str]()
    statuses: dict[str, set[str]] = {}
    disabled = 0
    for group in groups:
        kind = kinds.get(group["kind"])
        provider = kind.provider if kind else group["kind"]
        by_provider[provider] += group["count"]
        seen = statuses.setdefault(provider, set())
        if group["disabled"]:
            disabled += group["count"]
        else:
            by_status[group["health_status"]] += group["count"]
            seen.add(group["health_status"])
    titles = kinds.providers()
    return Census(
        total=by_provider.total(),
        disabled=disabled,
        by_status=dict(by_status),
        at=clock.now(),
        providers=[
            ProviderCount(slug, titles.get(slug, slug), n, sickest(statuses[slug]))
            for slug, n in sorted(by_provider.items())
        ],
    )


def sickest(statuses: set[str]) -> str:
    """The worst probed status; "disabled" when all are, "" when none was probed."""
    if not statuses:
        return "disabled"
    probed = [Status(status) for status in statuses if status]
    return worst(probed) if probed else ""


def theirs(organization: Organization) -> QuerySet[Incident]:
    """Open incidents that customers must end: the widest first, then the oldest.

    While their OAuth app is broken, customers can't mend anything, so those are left out.
    """
    blocked = Credential.objects.filter(pk=OuterRef("entity_id"), health_status=Status.SEQUIN)
    rows = Incident.objects.of(organization).open().filter(status=Status.CUSTOMER)
    return rows.exclude(Exists(blocked)).order_by("-affected", "opened_at")


def ours_and_nobodys(organization: Organization, most: int) -> dict[str, list[Incident]]:
    """Open incidents that we must end, and the providers that are down. One query."""
    rows = Incident.objects.of(organization).open().filter(status__in=("", Status.SEQUIN))
    found = rows.order_by("status", "-affected", "opened_at")[: most + len(kinds.providers())]
    return {
        "outages": [incident for incident in found if not incident.status],
        "ours": [incident for incident in found if incident.status][:most],
    }
