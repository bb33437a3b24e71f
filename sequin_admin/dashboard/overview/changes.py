"""What changed last, folded by cause: one line for a fault of a thousand credentials."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from sequin_admin.access.models import Organization
from sequin_admin.dashboard.templatetags.monitored import TITLES
from sequin_admin.health import cause_words
from sequin_admin.health.models import Cause, Transition
from sequin_admin.health.status import Status

SHOWN = 10
# Of so many of the latest transitions, those that are of no cause are shown.
LATEST = 100


@dataclass(frozen=True)
class RecentChange:
    """One line. `status` is the badge; "" for none."""

    at: datetime
    what: str
    url: str
    status: str
    why: str


def list_changes(organization: Organization) -> list[RecentChange]:
    """Causes that began or ended, and what was checked for the first time; newest first."""
    causes = Cause.objects.of(organization)
    newest = causes.order_by("-opened_at", "-id").values("pk")[:SHOWN]
    ended_last = (
        causes.filter(resolved_at__isnull=False).order_by("-resolved_at").values("pk")[:SHOWN]
    )
    latest = list(causes.filter(Q(pk__in=newest) | Q(pk__in=ended_last)))
    began = [began_change(cause) for cause in latest]
    ended = [ended_change(cause) for cause in latest if cause.resolved_at]
    first = fold_first_checks(Transition.objects.of(organization)[:LATEST])
    return sorted((*began, *ended, *first), key=lambda change: change.at, reverse=True)[:SHOWN]


def began_change(cause: Cause) -> RecentChange:
    now, total = cause.open_incidents, cause.total_incidents
    mended = f" {total - now:,} of {total:,} are over." if 0 < now < total else ""
    return RecentChange(
        cause.opened_at,
        cause_words.headline(cause),
        reverse("dashboard:cause", args=[cause.pk]),
        cause.status,
        f"{cause.message}{mended}",
    )


def ended_change(cause: Cause) -> RecentChange:
    what = f"Over: {cause_words.headline(cause)}"
    url = reverse("dashboard:cause", args=[cause.pk])
    at = cause.resolved_at or cause.latest_at
    return RecentChange(at, what, url, Status.HEALTHY, cause_words.origin(cause))


def fold_first_checks(transitions: Iterable[Transition]) -> list[RecentChange]:
    """What became healthy at its first check: one line for those of a provider in a row."""
    folded = defaultdict[tuple[str, str], list[Transition]](list)
    for row in transitions:
        if not row.before and row.after == Status.HEALTHY:
            folded[row.entity, row.provider].append(row)
    return [first_change(rows) for rows in folded.values()]


def first_change(rows: Sequence[Transition]) -> RecentChange:
    last, many = rows[0], len({row.entity_id for row in rows})
    what = f"{TITLES.get(last.entity, '')}{last.name}"
    if many > 1:
        what += f" and {many - 1:,} more"
    url = reverse(f"dashboard:{last.entity}", args=[last.entity_id])
    return RecentChange(last.at, what, url, last.after, last.reason or "The first check passed.")
