"""The demo's past health, incidents, messages and usage: by the product's functions, a day a
transaction, the oldest first.

A day's episodes are written to their end, so that in between everything is as it is now: what the
statuses of today were is written back at the end of the transaction. A row that is in trouble now,
or has been since the demo was made, is left out: its history is being made by others.
"""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction

from sequin_admin.core import clock
from sequin_admin.core.http import Response
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.demo.models import Demo, mark, marked_rows
from sequin_admin.health import alerts, cause_alerts, outages, rollup
from sequin_admin.health.cause_alerts import SETTLE
from sequin_admin.health.checks import AUTHENTICATION, CLIENT, update_check
from sequin_admin.health.models import Cause, Check, Incident, Outage, subject_columns
from sequin_admin.health.status import LONG_AGO, Status
from sequin_admin.limits import recorded, sampling
from sequin_admin.limits.models import SamplePeriod, UsageCursor, get_rate
from sequin_admin.limits.requests import Gauge
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.syncs.models import Sync
from sequin_admin.tools.demo import episodes
from sequin_admin.tools.demo.mailing import deliver_past

HOUR = timedelta(hours=1)
MS_OF_HOUR = 3_600_000
Row = TypeVar("Row", bound=Monitored)
Live = tuple[str, str, datetime | None]


@dataclass
class Cast:
    """The demo's rows as they were: each with the objects it depends on, all healthy at first."""

    demo: Demo
    apps: dict[UUID, OAuthApp]
    credentials: dict[UUID, Credential]
    syncs: list[Sync]
    # Statuses of today, of the rows that the day has changed.
    live: dict[Monitored, Live] = field(default_factory=dict)

    @classmethod
    def load(cls, demo: Demo) -> "Cast":
        """Lock the rows, and put their statuses of today aside."""
        apps = {row.pk: row for row in rows_of(demo, OAuthApp)}
        credentials = {row.pk: row for row in rows_of(demo, Credential)}
        for credential in credentials.values():
            app_id = credential.oauth_app_id
            credential.oauth_app = apps.get(app_id) if app_id else None
            # Nobody is written to about the past, and no link is made for it.
            credential.contact_email = ""
        syncs = [row for row in rows_of(demo, Sync) if row.credential_id in credentials]
        for sync in syncs:
            sync.credential, sync.prefetched_consumers = credentials[sync.credential_id], []
        cast = cls(demo, apps, credentials, syncs)
        for row in (*apps.values(), *credentials.values(), *syncs):
            cast.live[row] = (row.health_status, row.health_note, row.health_since)
            row.health_status, row.health_note = Status.HEALTHY, ""
        return cast

    def put_back(self) -> None:
        """Write the statuses of today back. What is healthy is so since it last became it."""
        for row, (status, note, since) in self.live.items():
            was, became = row.health_status, row.health_since
            row.health_status, row.health_note, row.health_since = status, note, since
            if was == status and became and since:
                row.health_since = max(became, since)
        for rows in (self.apps, self.credentials):
            rollup.save_statuses(list(rows.values()))
        rollup.save_statuses(self.syncs)

    def troubled(self) -> set[UUID]:
        """Rows with an incident that is no part of the past."""
        after = self.demo.began_at - episodes.CLEAR_OF_NOW
        rows = Incident.objects.filter(organization=self.demo.organization_id, opened_at__gt=after)
        return set(rows.values_list("entity_id", flat=True))


def rows_of(demo: Demo, model: type[Row]) -> list[Row]:
    """The demo's rows of a model, locked, without their secrets."""
    rows = rollup.locked_in_order(marked_rows(demo, model))
    secret = [f.name for f in model._meta.concrete_fields if f.name == "secrets"]
    return list(rows.select_related("organization").defer(*secret))


def write_next_day(demo: Demo) -> bool:
    """Write the next day of the history in one transaction. False when there is none left."""
    with transaction.atomic():
        row = Demo.objects.select_for_update().filter(pk=demo.pk).first()
        if row is None or row.has_all_history or row.ready_at is None:
            return False
        write_day(row, row.done_days)
        row.done_days += 1
        row.save(update_fields=["done_days"])
        return not row.has_all_history


def write_day(demo: Demo, day: int) -> None:
    start = demo.began_at - (demo.days - day) * episodes.DAY
    cast = Cast.load(demo)
    changed = write_episodes(cast, day, start)
    changed |= write_outage(demo, day, start)
    cast.put_back()
    notify(demo, changed)
    drop_messages_of_others(demo)
    deliver_past(demo.organization, before=demo.began_at)
    write_usage(cast, start)


def write_episodes(cast: Cast, day: int, start: datetime) -> set[UUID]:
    """Let each row's trouble begin and end. Returns the ids of the rows."""
    demo, skipped = cast.demo, cast.troubled()
    connected = ((row.pk, row.created_at) for row in cast.credentials.values())
    apps = [(row.pk, row.provider) for row in cast.apps.values()]
    found = [
        *episodes.customer_episodes(connected, day, start, demo.began_at),
        *episodes.app_episodes(apps, day, demo.days, start, demo.began_at),
    ]
    chosen = [episode for episode in found if episode.row_id not in skipped]
    # Of an app that is in trouble, the accounts have none of their own.
    turns = sorted(
        (at, episode.row_id, is_end)
        for episode in chosen
        for at, is_end in ((episode.begins, False), (episode.ends, True))
    )
    checks: dict[UUID, Check] = {}
    for at, pk, is_end in turns:
        subject = cast.apps.get(pk) or cast.credentials[pk]
        with clock.at(at):
            change_status(cast, subject, checks, is_end=is_end)
    return {episode.row_id for episode in chosen}


def change_status(
    cast: Cast, subject: OAuthApp | Credential, checks: dict[UUID, Check], *, is_end: bool
) -> None:
    """Record a check's result now, by the clock, and pass it to what depends on the subject."""
    is_app = isinstance(subject, OAuthApp)
    name = CLIENT if is_app else AUTHENTICATION
    check = checks.setdefault(subject.pk, Check(**subject_columns(subject), check_name=name))
    if is_end:
        # A person has mended it, by a new secret or a new grant.
        subject.secrets_changed_at = clock.now()
    outcome = outcomes.works() if is_end else refusal(subject)
    update_check(check, outcome, subject, at=clock.now(), grace_start=LONG_AGO)
    rollup.apply_statuses([subject], {subject.pk: [check]})
    below: list[Credential] = [subject] if isinstance(subject, Credential) else []
    if is_app:
        below = [row for row in cast.credentials.values() if row.oauth_app is subject]
        own = {row.pk: [checks[row.pk]] if row.pk in checks else [] for row in below}
        rollup.apply_statuses(below, own)
    syncs = [sync for sync in cast.syncs if sync.credential in below]
    rollup.apply_statuses(syncs, {sync.pk: [] for sync in syncs})
    affected = len(syncs) + (len(below) if is_app else 0)
    Incident.objects.about(subject).open().update(affected=affected)


def refusal(subject: OAuthApp | Credential) -> Outcome:
    """What a 401 means to a key or password; of others the token endpoint's `invalid_grant`, and of
    an OAuth app its `invalid_client`."""
    if isinstance(subject, Credential) and not subject.oauth:
        refused = type(subject).classify(Response(401))
        if refused.verdict is Verdict.CUSTOMER:
            return refused
    error = b"invalid_client" if isinstance(subject, OAuthApp) else b"invalid_grant"
    response = Response(400, body=b'{"error": "%s"}' % error)
    return outcomes.token_error(response, subject.provider_title, client_is_ours=True)


def write_outage(demo: Demo, day: int, start: datetime) -> set[UUID]:
    """The provider's outage of that day, if no other organization would read of it."""
    known = episodes.outage_on(day, demo.days, start)
    if known is None:
        return set()
    provider, begins, ends = known
    accounts = Credential.objects.of_provider(provider)
    others = accounts.exclude(organization=demo.organization_id)
    is_used = accounts.filter(organization=demo.organization_id, created_at__lt=begins).exists()
    is_down = Outage.objects.open().filter(provider=provider).exists()
    if others.exists() or is_down or not is_used:
        return set()
    with clock.at(begins):
        outage = outages.open_outage(provider, outages.outage_message(provider))
        mark(demo, outage)
    with clock.at(ends):
        outages.close_outage(outage)
    return {outage.pk}


def notify(demo: Demo, ids: Iterable[UUID]) -> None:
    """Post what the day's incidents and causes were, each at its time."""
    over = Incident.objects.filter(
        organization=demo.organization_id, entity_id__in=ids, resolved_at__lt=demo.began_at
    )
    causes = Cause.objects.filter(incidents__in=over, told_at=None).exclude(resolved_at=None)
    for cause in causes.distinct().select_related("organization").order_by("opened_at"):
        post_cause(cause)
    told = over.filter(over_told_at=None)
    for incident in told.select_related("organization").order_by("resolved_at"):
        with clock.at(incident.resolved_at or demo.began_at):
            outbox.post(incident.organization, alerts.resolution_message(incident))
    told.update(over_told_at=demo.began_at)


def post_cause(cause: Cause) -> None:
    """Post that a cause opened and that it was over, and remember that."""
    opened = copy(cause)
    opened.resolved_at, opened.open_incidents = None, cause.total_incidents
    posted = list[Delivery]()
    cause.told_at, cause.told_incidents = cause.opened_at + SETTLE, cause.total_incidents
    with clock.at(cause.told_at):
        posted += outbox.post(cause.organization, cause_alerts.opening_message(opened))
    cause.over_told_at = max(cause.resolved_at or cause.told_at, cause.told_at)
    with clock.at(cause.over_told_at):
        for _, message in cause_alerts.resolution_messages([cause]):
            posted += outbox.post(cause.organization, message)
    cause.deliveries = [row.pk for row in posted]
    cause.save(update_fields=["told_at", "told_incidents", "over_told_at", "deliveries"])


def drop_messages_of_others(demo: Demo) -> None:
    """Channels that a person has added meanwhile get nothing of the past."""
    own = marked_rows(demo, Channel)
    past = Delivery.objects.filter(organization=demo.organization_id, created_at__lt=demo.began_at)
    past.exclude(channel=None).exclude(channel__in=own).delete()


def write_usage(cast: Cast, start: datetime) -> None:
    """Samples of the day's hours, of the accounts that are read, while such samples are kept."""
    used = {sync.credential_id: cast.credentials[sync.credential_id] for sync in cast.syncs}
    for at in hours(cast.demo, start):
        samples = {}
        for pk, credential in used.items():
            rate = get_rate(credential)
            most = rate.allowed_requests * MS_OF_HOUR // max(rate.interval, 1)
            granted = episodes.calls_in_hour(pk, at, min(most, MOST_CALLS))
            if credential.created_at < at and granted:
                cap = rate.max_concurrent_requests or 8
                gauge = Gauge(now=0, under_way=min(cap, 1 + granted % cap))
                throttled = granted // 40 if granted > most * 0.3 else 0
                samples[pk] = sampling.Use(UsageCursor(credential_id=pk), gauge, granted, throttled)
        if samples:
            sampling.store_samples(samples, SamplePeriod.HOUR, at)


MOST_CALLS = 40_000


def hours(demo: Demo, start: datetime) -> Iterator[datetime]:
    """The full hours of the day that began at `start`, that are kept and are over."""
    kept = clock.now() - timedelta(days=settings.KEEP_USAGE_DAYS)
    at = recorded.start_of(start, SamplePeriod.HOUR) + HOUR
    last = recorded.start_of(demo.began_at, SamplePeriod.HOUR)
    while at <= start + episodes.DAY and at < last:
        if at > kept:
            yield at
        at += HOUR
