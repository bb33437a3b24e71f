"""Which dated changes at the providers touch an organization, and who is told of them when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.words import format_day
from sequin_admin.credentials.ends import DAY, LAST, STATUS, step_due
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.provider_changes import (
    NOTHING,
    KindChange,
    ProviderChange,
    list_changes,
)
from sequin_admin.health.expiry_notices import DueNotice, claim_notices
from sequin_admin.health.fleet import Census, get_census, kept_if_many
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Message, Severity

WHAT = "provider_change"
TYPE = "provider.change_near"
STEPS = (180 * DAY, 90 * DAY, 30 * DAY, STATUS, LAST)


@dataclass(frozen=True)
class TouchedChange:
    """A change, and how many credentials and OAuth apps of one organization it touches."""

    found: KindChange
    credentials: int
    oauth_apps: int

    @property
    def change(self) -> ProviderChange:
        return self.found.change

    @property
    def touches(self) -> bool:
        return bool(self.credentials or self.oauth_apps)

    @property
    def days_left(self) -> int | None:
        return self.change.days_left(clock.now().date())

    @property
    def when(self) -> str:
        """1 Jan 2027, in 33 days"""
        day, left = self.change.day, self.days_left
        if left is None:
            return day
        if left <= 0:
            return f"In effect since {day}"
        return f"{day}, in {left:,} day{'' if left == 1 else 's'}"

    @property
    def reach(self) -> str:
        """12 credentials and 1 OAuth app"""
        counts = ((self.credentials, "credential"), (self.oauth_apps, "OAuth app"))
        named = [f"{n:,} {word}{'' if n == 1 else 's'}" for n, word in counts if n]
        return " and ".join(named) or "nothing of yours"


def touched_credentials(found: KindChange) -> Q:
    return Q(kind=found.kind) & found.change.credentials


def touched_apps(found: KindChange) -> Q:
    return Q(provider=found.provider) & found.change.apps


def get_touched(organization: Organization) -> list[TouchedChange]:
    """`count_touched()`, cached as `kept_if_many()` does."""
    census = get_census(organization)
    return kept_if_many(
        f"touched:{organization.pk}",
        lambda: count_touched(organization, census),
        lambda _: census.total,
    )


def count_touched(organization: Organization, census: Census | None = None) -> list[TouchedChange]:
    """All changes, in three queries however many there are; those that come next are first. Only
    providers of which there are credentials are asked about."""
    found, counts = list_changes(), census or get_census(organization)
    present = {each.provider for each in counts.providers}
    touching = [
        each for each in found if each.change.credentials != NOTHING and each.provider in present
    ]
    # By their kinds, which have an index: not by a look at each credential.
    of_kinds = Credential.objects.filter(kind__in={each.kind for each in touching})
    credentials = count_each(
        of_kinds.of(organization).active(),
        {each.change.slug: touched_credentials(each) for each in touching},
    )
    apps = count_each(
        OAuthApp.objects.of(organization),
        {each.change.slug: touched_apps(each) for each in found if each.change.apps != NOTHING},
    )
    return [
        TouchedChange(each, credentials.get(each.change.slug, 0), apps.get(each.change.slug, 0))
        for each in found
    ]


def count_each(
    rows: "QuerySet[Credential] | QuerySet[OAuthApp]", conditions: dict[str, Q]
) -> dict[str, int]:
    """How many rows pass each condition, by its name."""
    if not conditions:
        return {}
    names = {f"n{number}": name for number, name in enumerate(conditions)}
    either = Q()
    for condition in conditions.values():
        either |= condition
    counted = rows.filter(either).aggregate(
        **{alias: Count("pk", filter=conditions[name]) for alias, name in names.items()}
    )
    return {name: counted[alias] for alias, name in names.items()}


def comes_at(on: date) -> datetime:
    return datetime.combine(on, time(), UTC)


def notify_changes() -> int:
    """Post the due messages: 180, 90, 30, 7 and 1 days before, to organizations that a change
    touches. Returns how many."""
    count = 0
    for found in list_changes():
        on = found.change.on
        step = step_due(comes_at(on) - clock.now(), None, STEPS) if on else None
        if on and step:
            count += notify_of(found, comes_at(on), step)
    return count


def notify_of(found: KindChange, at: datetime, step: timedelta) -> int:
    credentials = count_by_owner(
        Credential.objects.active().filter(touched_credentials(found)), found.change.credentials
    )
    apps = count_by_owner(OAuthApp.objects.filter(touched_apps(found)), found.change.apps)
    owners, count = iter(sorted({*credentials, *apps})), 0
    while chunk := list(islice(owners, CHUNK_SIZE)):
        touched = {
            owner: TouchedChange(found, credentials.get(owner, 0), apps.get(owner, 0))
            for owner in chunk
        }
        count += post_chunk(touched, at, step)
    return count


def count_by_owner(
    rows: "QuerySet[Credential] | QuerySet[OAuthApp]", condition: Q
) -> dict[UUID, int]:
    if condition == NOTHING:
        return {}
    counted = rows.order_by().values("organization_id").annotate(n=Count("pk"))
    return dict(counted.values_list("organization_id", "n"))


@transaction.atomic
def post_chunk(touched: dict[UUID, TouchedChange], at: datetime, step: timedelta) -> int:
    slugs = {owner: each.change.slug for owner, each in touched.items()}
    wanted = [DueNotice(owner, WHAT, slug, at, step) for owner, slug in slugs.items()]
    due = [notice.organization_id for notice in claim_notices(wanted)]
    owners: Iterable[Organization] = Organization.objects.filter(pk__in=due)
    outbox.post_all([(owner, build_message(touched[owner.pk], at, step)) for owner in owners])
    return len(due)


def build_message(touched: TouchedChange, at: datetime, step: timedelta) -> Message:
    change = touched.change
    known = f" ({change.certainty})" if change.certainty != "published" else ""
    return Message(
        type=TYPE,
        key=f"{WHAT}:{change.slug}",
        severity=Severity.CRITICAL if step <= STATUS else Severity.WARNING,
        title=f"{format_day(at)}: {change.title}",
        text=f"{change.what} It touches {touched.reach} here. {change.to_do} "
        f"Source: {change.source}{known}, read on {change.checked_on:%-d %B %Y}.",
        action_url=f"{settings.PUBLIC_URL}/expiry/",
        action_label="See which",
        data={
            "change": change.slug,
            "provider": touched.found.provider,
            "on": at.date().isoformat(),
            "certainty": str(change.certainty),
            "credentials": touched.credentials,
            "oauth_apps": touched.oauth_apps,
        },
    )
