"""Counts of an organization's credentials, and its open incidents by who must act."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, TypeVar

from django.core.cache import caches
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Sum,
    Window,
)
from django.db.models.functions import RowNumber

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import Cause, Incident
from sequin_admin.health.status import Status, worst

LARGE_FLEET = 5000
CENSUS_CACHE_S = 15
Counts = TypeVar("Counts")


class Group(TypedDict):
    """Number of credentials with one kind, status and enabled or disabled."""

    kind: str
    health_status: str
    disabled: bool
    count: int


@dataclass(frozen=True)
class ProviderCount:
    """One provider's credentials. `status` is the worst one, or as `worst_status()` says.

    `by_status` has those that are not disabled; its key "" is not probed yet.
    """

    provider: str
    title: str
    count: int
    status: str
    disabled: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Census:
    """Counts of credentials. `by_status` excludes disabled ones; its key "" is not probed yet."""

    total: int
    disabled: int
    by_status: dict[str, int]
    at: datetime
    providers: list[ProviderCount]

    @property
    def healthy(self) -> int:
        return self.by_status.get(Status.HEALTHY, 0)

    @property
    def ours(self) -> int:
        return self.by_status.get(Status.SEQUIN, 0)

    @property
    def theirs(self) -> int:
        return self.by_status.get(Status.CUSTOMER, 0)

    @property
    def unprobed(self) -> int:
        return self.by_status.get("", 0)


def get_census(organization: Organization) -> Census:
    """Counts of an organization's credentials, cached as `kept_if_many()` does."""
    return kept_if_many(
        f"census:{organization.pk}",
        lambda: count_credentials(organization),
        lambda census: census.total,
    )


def kept_if_many(key: str, count: Callable[[], Counts], size: Callable[[Counts], int]) -> Counts:
    """Cached for `CENSUS_CACHE_S` if so many were counted that counting them is slow."""
    known: Counts | None = caches["local"].get(key)
    if known is None:
        known = count()
        if size(known) >= LARGE_FLEET:
            caches["local"].set(key, known, CENSUS_CACHE_S)
    return known


def count_credentials(organization: Organization) -> Census:
    """Count with one query."""
    disabled = ExpressionWrapper(Q(disabled_at__isnull=False), output_field=BooleanField())
    rows = Credential.objects.of(organization).values("kind", "health_status", disabled=disabled)
    return sum_groups(rows.annotate(count=Count("pk")).order_by())


def sum_groups(groups: Iterable[Group]) -> Census:

    by_status, by_provider, disabled = Counter[str](), Counter[str](), Counter[str]()
    statuses: dict[str, Counter[str]] = {}
    for group in groups:
        kind = kinds.find(group["kind"])
        provider = kind.provider if kind else group["kind"]
        by_provider[provider] += group["count"]
        seen = statuses.setdefault(provider, Counter())
        if group["disabled"]:
            disabled[provider] += group["count"]
        else:
            by_status[group["health_status"]] += group["count"]
            seen[group["health_status"]] += group["count"]
    titles = kinds.providers()
    return Census(
        total=by_provider.total(),
        disabled=disabled.total(),
        by_status=dict(by_status),
        at=clock.now(),
        providers=[
            ProviderCount(
                slug,
                titles.get(slug, slug),
                count,
                worst_status(set(statuses[slug])),
                disabled[slug],
                dict(statuses[slug]),
            )
            for slug, count in sorted(by_provider.items())
        ],
    )


def worst_status(statuses: set[str]) -> str:
    """The worst status; "disabled" when all are disabled, "" when none was probed."""
    if not statuses:
        return "disabled"
    probed = [Status(status) for status in statuses if status]
    return worst(probed) if probed else ""


def customer_incidents(organization: Organization) -> QuerySet[Incident]:
    """Open incidents that customers must fix: by most affected, then the oldest first.

    Also those of credentials whose OAuth app is broken: mending the app would not end them.
    """
    rows = Incident.objects.of(organization).open().filter(status=Status.CUSTOMER)
    return rows.order_by("-affected", "opened_at")


def largest_causes(organization: Organization, most: int) -> list[Cause]:
    """Open causes, at most so many of each party: what most wait for, then the oldest first.

    Each has `party_causes`, `party_broken` and `party_waiting`: the sums over all of its party.
    """
    order = (-(F("affected") + F("open_incidents")), F("opened_at").asc())
    party = F("status")
    rows = (
        Cause.objects.of(organization)
        .open()
        .annotate(
            rank=Window(RowNumber(), partition_by=party, order_by=order),
            party_causes=Window(Count("pk"), partition_by=party),
            party_broken=Window(Sum("open_incidents"), partition_by=party),
            party_waiting=Window(Sum("affected"), partition_by=party),
        )
    )
    return list(rows.filter(rank__lte=most).select_related("owner").order_by("rank"))


def our_incidents_and_outages(organization: Organization, most: int) -> dict[str, list[Incident]]:
    """Open incidents that we must fix (at most `most`), and provider outages. One query."""
    rows = Incident.objects.of(organization).open().filter(status__in=("", Status.SEQUIN))
    found = rows.order_by("status", "-affected", "opened_at")[: most + len(kinds.providers())]
    return {
        "outages": [incident for incident in found if not incident.status],
        "ours": [incident for incident in found if incident.status][:most],
    }
