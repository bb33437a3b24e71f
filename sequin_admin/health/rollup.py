"""Compute the status of monitored rows from their checks and dependencies, and propagate it.

Call `recompute_status()` inside a transaction and `propagate()` after it: a transaction that locks
rows of several levels could deadlock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import causes, incidents, one_subject
from sequin_admin.health.entities import deferred_columns, monitored_models
from sequin_admin.health.models import SENTENCE_CHARS, Check, Incident, Transition, subject_columns
from sequin_admin.health.one_subject import STATUS_COLUMNS
from sequin_admin.health.signals import status_changed
from sequin_admin.health.status import LONG_AGO, Reason, Status, roll_up
from sequin_admin.notifications import events, outbox
from sequin_admin.notifications.message import TYPES, Message
from sequin_admin.tokens.models import Token

Rows = TypeVar("Rows", bound=QuerySet[Model])
BATCH_SIZE = 500
RECENT = timedelta(minutes=20)
BLOCKED = "Blocked by the "
NOT_RUNNING = "Nothing hinders it, but it has not run yet."


@dataclass(frozen=True)
class ComputedStatus:
    """Status of a subject by its checks and dependencies. `own` is its own worst reason, if any."""

    status: str
    note: str
    code: str
    own: Reason | None


def compute_status(subject: Monitored, checks: Sequence[Check]) -> ComputedStatus:
    own = [reason_of(subject, check) for check in checks if is_unhealthy(check.status)]
    parts = list(subject.depends_on())
    inherited = [inherited_reason(row) for row in parts if is_unhealthy(row.health_status)]
    statuses = [check.status for check in checks] + [row.health_status for row in parts]
    # A healthy subject without results stays healthy until a check or dependency fails.
    known = any(statuses) or subject.health_status == Status.HEALTHY
    status, winner = roll_up(deciding(subject, own, inherited), known=known)
    passing = next((check.sentence for check in checks if check.sentence), "")
    note = winner.sentence if winner else passing
    decided = deciding(subject, own, [])
    own_worst = min(decided, key=lambda reason: reason.rank, default=None)
    return ComputedStatus(status, note[:SENTENCE_CHARS], winner.code if winner else "", own_worst)


def deciding(
    subject: Monitored, own: Sequence[Reason], inherited: Sequence[Reason]
) -> list[Reason]:
    """The reasons of which the worst decides.

    A credential whose own check says that the customer must act never says that we must: mending
    our side would not end it.
    """
    customers = [reason for reason in own if reason.status == Status.CUSTOMER]
    if isinstance(subject, Credential) and customers:
        return customers
    return [*own, *inherited]


def is_unhealthy(status: str) -> bool:
    return status in (Status.CUSTOMER, Status.SEQUIN)


def reason_of(subject: Monitored, check: Check) -> Reason:
    return Reason(
        Status(check.status),
        subject.entity,
        subject.pk,
        str(subject),
        check.first_seen_at,
        check.sentence or FLAPPING_SENTENCE,
        check.code,
    )


FLAPPING_SENTENCE = (
    "It works and fails by turns. We believe that it works after three good checks in a row."
)


def inherited_reason(row: Monitored, *, through: Reason | None = None) -> Reason:
    """Reason of a subject whose dependency `row` is unhealthy. It names the root cause."""
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


def list_reasons(subject: Monitored, checks: Iterable[Check] | None = None) -> list[Reason]:
    """Why a subject is unhealthy: the deciding reason first, each with its chain of causes.

    `checks` are its own where they are known already.
    """
    known = Check.objects.about(subject) if checks is None else checks
    own = [reason_of(subject, check) for check in known if is_unhealthy(check.status)]
    troubled = [row for row in subject.depends_on() if is_unhealthy(row.health_status)]
    inherited = [inherited_reason(row, through=underlying_reason(row)) for row in troubled]
    decided = deciding(subject, own, inherited)
    return sorted([*own, *inherited], key=lambda reason: (reason not in decided, reason.rank))


def underlying_reason(row: Monitored) -> Reason | None:
    """The reason below that of `row`; None when `row` is the root cause."""
    winner = next(iter(list_reasons(row)), None)
    return winner if winner and winner.id != row.pk else None


def recompute_status(subjects: Sequence[Monitored]) -> list[Monitored]:
    """Recompute and store the statuses of subjects of one model. Returns those that changed."""
    return apply_statuses(subjects, checks_of(subjects))


def apply_statuses(
    subjects: Sequence[Monitored], checks: Mapping[UUID, Sequence[Check]]
) -> list[Monitored]:
    """Store the statuses that follow from `checks`: all checks of each subject, by its id.

    Also updates incidents, records transitions and posts messages. Returns the changed subjects.
    """
    now = clock.now()
    states = [(subject, compute_status(subject, checks[subject.pk])) for subject in subjects]
    incidents.update_incidents([(subject, state.own) for subject, state in states], at=now)
    fresh = [(subject, state) for subject, state in states if has_changed(subject, state)]
    changed = [
        (subject, state) for subject, state in fresh if subject.health_status != state.status
    ]
    Transition.objects.bulk_create(
        build_transition(subject, state, now) for subject, state in changed
    )
    notify_status_changes(changed)
    for subject, state in fresh:
        if subject.health_status != state.status:
            subject.health_since = now
        subject.health_status, subject.health_note = state.status, state.note
    save_statuses([subject for subject, _ in fresh])
    return [subject for subject, _ in changed]


def notify_status_changes(changed: Sequence[tuple[Monitored, ComputedStatus]]) -> None:
    """Post `health_changed` messages for organizations that have an enabled channel."""
    if not changed:
        return
    owners = {subject_columns(subject)["organization_id"] for subject, _ in changed}
    channels = outbox.find_channels(owners)
    notified = Organization.objects.in_bulk(channels)
    posted = []
    for subject, state in changed:
        type_, owner = f"{subject.entity}.health_changed", subject_columns(subject)
        if type_ in TYPES and (organization := notified.get(owner["organization_id"])):
            posted.append((organization, message_of_status(type_, subject, state)))
    outbox.post_all(posted, channels)


def message_of_status(type_: str, subject: Monitored, state: ComputedStatus) -> Message:
    return events.message_for(
        type_,
        cast(events.Row, subject),
        actor=None,
        path=f"/health/{subject.entity}/{subject.pk}/",
        text=state.note or ("It works." if subject.has_run() else NOT_RUNNING),
        before=subject.health_status,
        status=state.status,
        code=state.code,
    )


def checks_of(subjects: Sequence[Monitored]) -> Mapping[UUID, list[Check]]:
    if len(subjects) == 1:
        return {subjects[0].pk: one_subject.CHECKS.all(pk=subjects[0].pk)}
    rows = Check.objects.filter(entity_id__in=[subject.pk for subject in subjects])
    grouped = defaultdict[UUID, list[Check]](list)
    for check in rows:
        grouped[check.entity_id].append(check)
    return grouped


def has_changed(subject: Monitored, state: ComputedStatus) -> bool:
    return (subject.health_status, subject.health_note) != (state.status, state.note)


def build_transition(subject: Monitored, state: ComputedStatus, at: datetime) -> Transition:
    return Transition(
        **subject_columns(subject),
        at=at,
        before=subject.health_status,
        after=state.status,
        code=state.code,
        reason=state.note if is_unhealthy(state.status) else "",
    )


def save_statuses(subjects: Sequence[Monitored]) -> None:
    if len(subjects) == 1:
        subjects[0].save(update_fields=STATUS_COLUMNS)
    elif subjects:
        type(subjects[0])._base_manager.bulk_update(subjects, STATUS_COLUMNS)


def propagate(changed: Iterable[Monitored]) -> None:
    """Recompute the rows that depend on these, and count them in `affected` of open incidents."""
    by_model = defaultdict[type[Monitored], list[Monitored]](list)
    for subject in changed:
        by_model[type(subject)].append(subject)
    for model, subjects in by_model.items():
        affected = Counter({row.pk: propagate_to_credentials(row) for row in subjects})
        responses: Iterable[tuple[Any, Any]] = status_changed.send(sender=model, subjects=subjects)
        for _, counts in responses:
            affected.update(counts or {})
        rows = Incident.objects.open().filter(entity=model.entity, entity_id__in=affected)
        for incident in rows:
            if incident.affected != affected[incident.entity_id]:
                causes.add_affected(incident, affected[incident.entity_id])


def propagate_recent() -> None:
    """Propagate recent changes again, as a process may have been killed before it could."""
    since = clock.now() - RECENT
    for model in monitored_models().values():
        rows = list(
            model._base_manager.filter(health_since__gt=since).defer(*deferred_columns(model))
        )
        for subject in rows:
            propagate_to_credentials(subject)
        status_changed.send(sender=model, subjects=rows)


def propagate_to_credentials(subject: Monitored) -> int:
    """Recompute the active credentials of an OAuth app. Returns how many there are.

    Those that a working app no longer blocks are checked at once.
    """
    if not isinstance(subject, OAuthApp):
        return 0
    works = subject.health_status == Status.HEALTHY
    refused = end_refusals(subject) if works else set()
    credentials = Credential.objects.filter(oauth_app=subject).active()
    seen = 0
    for batch in batches(credentials):
        with transaction.atomic():
            rows = credentials.filter(pk__in=batch).select_related("oauth_app")
            changed = recompute_status(
                list(locked_in_order(rows.defer("secrets", "oauth_app__secrets")))
            )
            if works:
                blocked = {row.pk for row in changed} | refused.intersection(batch)
                Credential.objects.filter(pk__in=blocked).update(check_due_at=clock.now())
        status_changed.send(sender=Credential, subjects=changed)
        seen += len(batch)
    return seen


def end_refusals(app: OAuthApp) -> set[UUID]:
    """Let the tokens that were refused because of `app`, which works again, be renewed at once.

    Returns the ids of their credentials.
    """
    refused = Token.objects.filter(credential__oauth_app=app, refusal__of_app=True)
    ids = set(refused.values_list("pk", flat=True))
    Token.objects.filter(pk__in=refused.values("pk")).update(next_try_at=clock.now())
    return ids


def locked_in_order(rows: Rows) -> Rows:
    """Lock rows in order of their ids, which prevents deadlocks."""
    return rows.order_by("pk").select_for_update(no_key=True, of=("self",))


def batches(rows: QuerySet[Model]) -> Iterator[list[UUID]]:
    """The ids of the rows, in lists of at most `BATCH_SIZE`."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH_SIZE):
        yield ids[start : start + BATCH_SIZE]
