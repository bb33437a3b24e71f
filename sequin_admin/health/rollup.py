"""Bring checks, statuses and incidents up to date with what was seen, and pass it on.

`settle()` and `restate()` belong into the caller's transaction and give back the rows whose status
changed; `spread()` comes after it, so that nobody waits for another's rows while holding his own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential, Monitored, OAuthApp
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.health import incidents
from sequin_admin.health.entities import deferred_columns, models
from sequin_admin.health.models import SENTENCE_CHARS, Check, Incident, Outage, Transition, naming
from sequin_admin.health.signals import status_changed
from sequin_admin.health.status import LONG_AGO, Reason, Status, Streak, next_status, roll_up
from sequin_admin.notifications import events
from sequin_admin.notifications.message import TYPES
from sequin_admin.notifications.models import Channel

BATCH = 500
LATELY = timedelta(minutes=20)
BLOCKED = "Blocked by the "
STATE = ("health_status", "health_note", "health_since")
RESULT = (
    *("status", "verdict", "code", "message", "remedy", "evidence"),
    *("first_seen_at", "last_seen_at", "times", "flips"),
)


def record_checks(subject: Monitored, results: Mapping[str, Outcome]) -> list[Monitored]:
    """Keep the results of some checks of one subject, by the name of the check.

    Returns the subject, if its status changed by that.
    """
    if not lock(subject):
        return []
    now, patient_since = clock.now(), grace_period_start(subject)
    known = {check.check_name: check for check in Check.objects.about(subject)}
    for name, outcome in results.items():
        check = known.get(name) or Check(**naming(subject), check_name=name)
        update_check(check, outcome, subject, at=now, patient_since=patient_since)
        known[name] = check
    Check.objects.bulk_update([known[n] for n in results if known[n].pk], RESULT)
    Check.objects.bulk_create(known[n] for n in results if not known[n].pk)
    # As the database orders them.
    return apply_statuses([subject], {subject.pk: [known[name] for name in sorted(known)]})


def lock(subject: Monitored) -> bool:
    """Whether the row is there. Until the transaction ends nobody else settles it."""
    rows = type(subject)._base_manager.filter(pk=subject.pk).select_for_update(no_key=True)
    state = rows.values_list(*STATE).first()
    for column, value in zip(STATE, state or (), strict=False):
        setattr(subject, column, value)
    return state is not None


def grace_period_start(subject: Monitored) -> datetime:
    """Nobody's patience runs while the provider is down, and it begins anew when it is back."""
    last = Outage.objects.filter(provider=subject.provider).first()  # type: ignore[attr-defined]
    if last is None:
        return LONG_AGO
    return last.cleared_at or clock.now()


def update_check(
    check: Check, outcome: Outcome, subject: Monitored, *, at: datetime, patient_since: datetime
) -> None:
    """Put one more result into a check."""
    last_fixed_at = subject.last_fixed_at() or LONG_AGO
    # What somebody has replaced since starts over: its past says nothing of it.
    steady = not check.verdict or last_fixed_at > check.last_seen_at
    before = Streak() if steady else streak_of(check)
    streak = before.after(outcome.verdict, at)
    check.status = next_status(check.status, streak, at=at, patient_since=patient_since)
    check.verdict, check.code = outcome.verdict, outcome.code
    check.message = outcome.message[:SENTENCE_CHARS]
    check.remedy = outcome.remedy[:SENTENCE_CHARS]
    check.evidence, check.last_seen_at = dict(outcome.evidence), at
    check.first_seen_at, check.times, check.flips = streak.since, streak.times, streak.flips


def streak_of(check: Check) -> Streak:
    return Streak(Verdict(check.verdict), check.first_seen_at, check.times, check.flips)


@dataclass(frozen=True)
class ComputedStatus:
    """What the checks of a subject, and what it leans on, make of it."""

    status: str
    note: str
    code: str
    own: Reason | None


def compute_status(subject: Monitored, checks: Sequence[Check]) -> ComputedStatus:
    own = [reason_of(subject, check) for check in checks if is_trouble(check.status)]
    parts = list(subject.depends_on())
    inherited = [inherited_reason(row) for row in parts if is_trouble(row.health_status)]
    statuses = [check.status for check in checks] + [row.health_status for row in parts]
    # What was healthy stays so until something says otherwise.
    known = any(statuses) or subject.health_status == Status.HEALTHY
    status, winner = roll_up([*own, *inherited], known=known)
    passing = next((check.sentence for check in checks if check.sentence), "")
    note = winner.sentence if winner else passing
    own_worst = min(own, key=lambda reason: reason.rank, default=None)
    return ComputedStatus(status, note[:SENTENCE_CHARS], winner.code if winner else "", own_worst)


def is_trouble(status: str) -> bool:
    return status in (Status.CUSTOMER, Status.SEQUIN)


def reason_of(subject: Monitored, check: Check) -> Reason:
    return Reason(
        Status(check.status),
        subject.entity,
        subject.pk,
        str(subject),
        check.first_seen_at,
        check.sentence or UNSTEADY_SENTENCE,
        check.code,
    )


UNSTEADY_SENTENCE = (
    "It works and fails by turns. We believe that it works after three good checks in a row."
)


def inherited_reason(row: Monitored, *, through: Reason | None = None) -> Reason:
    """The trouble of what a subject leans on, as its own reason. It names the one at the bottom."""
    note = row.health_note
    if not note.startswith(BLOCKED):
        note = f"{BLOCKED}{row.entity_title} {row}: {note}"
    return Reason(
        Status(row.health_status),
        row.entity,
        row.pk,
        str(row),
        row.health_since or LONG_AGO,
        note,
        "blocked",
        through,
    )


def reasons(subject: Monitored) -> list[Reason]:
    """Why a subject is not healthy, the reason that won first, each with what is at the bottom."""
    own = [reason_of(subject, c) for c in Check.objects.about(subject) if is_trouble(c.status)]
    troubled = [row for row in subject.depends_on() if is_trouble(row.health_status)]
    inherited = [inherited_reason(row, through=underlying_reason(row)) for row in troubled]
    return sorted([*own, *inherited], key=lambda reason: reason.rank)


def underlying_reason(row: Monitored) -> Reason | None:
    """What is below the trouble of `row`; None when the cause is its own."""
    winner = next(iter(reasons(row)), None)
    return winner if winner and winner.id != row.pk else None


def recompute_status(subjects: Sequence[Monitored]) -> list[Monitored]:
    """Weigh the subjects anew, all of one model. Returns those whose status changed."""
    return apply_statuses(subjects, checks_of(subjects))


def apply_statuses(
    subjects: Sequence[Monitored], checks: Mapping[UUID, Sequence[Check]]
) -> list[Monitored]:
    """As `restate()`, with all checks of the subjects at hand."""
    now = clock.now()
    states = [(subject, compute_status(subject, checks[subject.pk])) for subject in subjects]
    incidents.update_incidents([(subject, state.own) for subject, state in states], at=now)
    fresh = [(subject, state) for subject, state in states if differs(subject, state)]
    changed = [
        (subject, state) for subject, state in fresh if subject.health_status != state.status
    ]
    Transition.objects.bulk_create(transition(subject, state, now) for subject, state in changed)
    notify_status_changes(changed)
    for subject, state in fresh:
        if subject.health_status != state.status:
            subject.health_since = now
        subject.health_status, subject.health_note = state.status, state.note
    save_statuses([subject for subject, _ in fresh])
    return [subject for subject, _ in changed]


def notify_status_changes(changed: Sequence[tuple[Monitored, ComputedStatus]]) -> None:
    """Post each change of status for those who want to know of all of them, if there is anybody."""
    owners = {naming(subject)["organization_id"] for subject, _ in changed}
    channels = Channel.objects.enabled().filter(organization__in=owners)
    asked = set(channels.values_list("organization", flat=True))
    for subject, state in changed:
        type_ = f"{subject.entity}.health_changed"
        if type_ in TYPES and naming(subject)["organization_id"] in asked:
            events.notify(
                type_,
                cast(events.Row, subject),
                actor=None,
                path=f"/health/{subject.entity}/{subject.pk}/",
                text=state.note or "It works.",
                before=subject.health_status,
                status=state.status,
                code=state.code,
            )


def checks_of(subjects: Sequence[Monitored]) -> Mapping[UUID, list[Check]]:
    rows = Check.objects.filter(entity_id__in=[subject.pk for subject in subjects])
    grouped = defaultdict[UUID, list[Check]](list)
    for check in rows:
        grouped[check.entity_id].append(check)
    return grouped


def differs(subject: Monitored, state: ComputedStatus) -> bool:
    return (subject.health_status, subject.health_note) != (state.status, state.note)


def transition(subject: Monitored, state: ComputedStatus, at: datetime) -> Transition:
    return Transition(
        **naming(subject),
        at=at,
        before=subject.health_status,
        after=state.status,
        code=state.code,
        reason=state.note if is_trouble(state.status) else "",
    )


def save_statuses(subjects: Sequence[Monitored]) -> None:
    if len(subjects) == 1:
        subjects[0].save(update_fields=STATE)
    elif subjects:
        type(subjects[0])._base_manager.bulk_update(subjects, STATE)


def propagate(changed: Iterable[Monitored]) -> None:
    """Pass changes on to all that lean on these rows, and count those on the open incidents."""
    for subject in changed:
        affected = propagate_to_credentials(subject)
        answers: Iterable[tuple[Any, Any]] = status_changed.send(
            sender=type(subject), subjects=[subject]
        )
        affected += sum(taken[subject.pk] for _, taken in answers if taken)
        open_ones = Incident.objects.about(subject).open()
        open_ones.exclude(affected=affected).update(affected=affected)


def propagate_recent() -> None:
    """Pass on anew what changed lately: whoever had to may have been killed before it did."""
    lately = clock.now() - LATELY
    for model in models().values():
        rows = list(
            model._base_manager.filter(health_since__gt=lately).defer(*deferred_columns(model))
        )
        for subject in rows:
            propagate_to_credentials(subject)
        status_changed.send(sender=model, subjects=rows)


def propagate_to_credentials(subject: Monitored) -> int:
    """An OAuth app's credentials take its trouble over. Returns how many there are."""
    if not isinstance(subject, OAuthApp):
        return 0
    credentials = Credential.objects.filter(oauth_app=subject).active()
    seen = 0
    for batch in batches(credentials):
        with transaction.atomic():
            rows = credentials.filter(pk__in=batch).select_related("oauth_app")
            changed = recompute_status(
                list(locked_in_order(rows.defer("secrets", "oauth_app__secrets")))
            )
        status_changed.send(sender=Credential, subjects=changed)
        seen += len(batch)
    return seen


def locked_in_order(rows: Any) -> Any:
    """Everybody locks in the same order, so that nobody waits in a circle."""
    return rows.order_by("pk").select_for_update(no_key=True, of=("self",))


def batches(rows: QuerySet[Any]) -> Iterator[list[UUID]]:
    """The ids of many rows, some at a time."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
