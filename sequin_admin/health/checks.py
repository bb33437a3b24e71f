"""The names of the checks, which of them an outcome decides, and recording their results."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from sequin_admin.core import clock
from sequin_admin.core.concrete import concrete_model
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.outcomes import Outcome, Verdict, works
from sequin_admin.health import one_subject
from sequin_admin.health.models import SENTENCE_CHARS, Check, subject_columns
from sequin_admin.health.one_subject import STATUS_COLUMNS
from sequin_admin.health.rollup import apply_statuses, checks_of
from sequin_admin.health.status import LONG_AGO, Streak, next_status
from sequin_admin.tokens.known_secrets import without_known_secrets

# Of a credential.
AUTHENTICATION = "authentication"
IDENTITY = "identity"
SCOPES = "scopes"
THROTTLING = "throttling"
EXPIRY = "expiry"
# Of an OAuth app.
CLIENT = "client_authentication"

# A successful probe passes all of these.
PROVEN_BY_PROBE = (AUTHENTICATION, IDENTITY, SCOPES, THROTTLING)
BY_CODE = {
    "duplicate": IDENTITY,
    "other_account": IDENTITY,
    "throttled": THROTTLING,
    "forbidden": SCOPES,
    "insufficient_scope": SCOPES,
    "MISSING_SCOPES": SCOPES,
    "ACCESS_DENIED": SCOPES,
    "INSUFFICIENT_ACCESS": SCOPES,
    "INSUFFICIENT_PERMISSION": SCOPES,
    "INVALID_PERMISSIONS": SCOPES,
    "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND": SCOPES,
    "not_authorized": SCOPES,
}
RESULT_COLUMNS = (
    *("status", "verdict", "code", "message", "remedy", "evidence"),
    *("first_seen_at", "last_seen_at", "times", "flips"),
)


Results = Mapping[str, Outcome]


def record_checks(subject: Monitored, results: Results) -> list[Monitored]:
    """Store results of checks of one subject, by the check's name, and recompute its status.

    Stored without the secrets of the subject. Call it in a transaction. Returns the subject in a
    list if its status changed, for `rollup.propagate()` after the commit.
    """
    if not lock_statuses([subject]):
        return []
    shown = {name: without_known_secrets(subject, each) for name, each in results.items()}
    return store_results([subject], {subject.pk: shown})


def record_checks_of_many(
    subjects: Sequence[Monitored], results: Mapping[UUID, Results]
) -> list[Monitored]:
    """As `record_checks()`, for subjects of one model by their ids, in the same few statements.

    For outcomes without secrets, such as those in our own words: none are looked for in them.
    """
    return store_results(lock_statuses(subjects), results)


def store_results(
    subjects: Sequence[Monitored], results: Mapping[UUID, Results]
) -> list[Monitored]:
    """Store results of locked subjects. Returns those whose status changed."""
    now = clock.now()
    known = {pk: {row.check_name: row for row in rows} for pk, rows in checks_of(subjects).items()}
    providers = {row.pk: row.provider for row in subjects}  # type: ignore[attr-defined]
    grace_start = cache(grace_period_start)
    updated = list[Check]()
    for subject in subjects:
        own = known.setdefault(subject.pk, {})
        for name, outcome in results[subject.pk].items():
            check = own.get(name) or Check(**subject_columns(subject), check_name=name)
            # Nobody waits for what works.
            start = LONG_AGO if outcome.ok else grace_start(providers[subject.pk])
            update_check(check, outcome, subject, at=now, grace_start=start)
            own[name] = check
            updated.append(check)
    # As one INSERT: an UPDATE of many would have a CASE for each value.
    Check.objects.bulk_create(
        updated,
        update_conflicts=True,
        unique_fields=["entity_id", "check_name"],
        update_fields=RESULT_COLUMNS,
    )
    # In the database's order, by name.
    ordered = {pk: [own[name] for name in sorted(own)] for pk, own in known.items()}
    return apply_statuses(subjects, ordered)


def lock_statuses(subjects: Sequence[Monitored]) -> list[Monitored]:
    """Lock the rows until the transaction ends and reload their statuses. Returns those that were
    not deleted.

    Rows that were loaded with them are reloaded after that: their status may have changed, and who
    propagates it waits for these locks.
    """
    if not subjects:
        return []
    found = reload_statuses(subjects, lock=True)
    loaded = defaultdict[type[Monitored], list[Monitored]](list)
    for subject in subjects:
        for row in subject._state.fields_cache.values():
            if isinstance(row, Monitored):
                loaded[type(row)].append(row)
    for rows in loaded.values():
        reload_statuses(rows)
    return [subject for subject in subjects if subject.pk in found]


def reload_statuses(rows: Sequence[Monitored], *, lock: bool = False) -> set[UUID]:
    """Set the columns of the status to what is stored. Returns the ids of those that are."""
    stored = {row.pk: row for row in read_statuses(rows, lock=lock)}
    for row in rows:
        if state := stored.get(row.pk):
            for column in STATUS_COLUMNS:
                setattr(row, column, getattr(state, column))
    return stored.keys() & {row.pk for row in rows}


def read_statuses(rows: Sequence[Monitored], *, lock: bool) -> Iterable[Monitored]:
    """Rows with the columns of the status, as they are stored."""
    if lock and len(rows) == 1:
        return one_subject.locked_status(concrete_model(rows[0])).all(pk=rows[0].pk)
    stored = type(rows[0])._base_manager.filter(pk__in={row.pk for row in rows}).order_by("pk")
    stored = stored.select_for_update(no_key=True) if lock else stored
    return stored.only(*STATUS_COLUMNS)


def grace_period_start(provider: str) -> datetime:
    """The earliest start of a grace period: suspended in an outage, it restarts after it."""
    last = one_subject.LAST_OUTAGE.first(provider=provider)
    if last is None:
        return LONG_AGO
    return last.cleared_at or clock.now()


def update_check(
    check: Check, outcome: Outcome, subject: Monitored, *, at: datetime, grace_start: datetime
) -> None:

    last_fixed_at = subject.last_fixed_at() or LONG_AGO
    # Results from before a fix, such as new secrets, do not count.
    is_fresh = not check.verdict or last_fixed_at > check.last_seen_at
    before = Streak() if is_fresh else stored_streak(check)
    streak = before.after(outcome.verdict, at)
    check.status = next_status(check.status, streak, at=at, grace_start=grace_start)
    check.verdict, check.code = outcome.verdict, outcome.code
    check.message = outcome.message[:SENTENCE_CHARS]
    check.remedy = outcome.remedy[:SENTENCE_CHARS]
    check.evidence, check.last_seen_at = dict(outcome.evidence), at
    check.first_seen_at, check.times, check.flips = streak.since, streak.times, streak.flips


def stored_streak(check: Check) -> Streak:
    return Streak(Verdict(check.verdict), check.first_seen_at, check.times, check.flips)


def checks_from_probe(outcome: Outcome) -> Mapping[str, Outcome]:
    """The results of one probe by check. A throttled call says nothing about other checks; a
    missing scope shows that the authentication works."""
    if outcome.ok:
        return dict.fromkeys(PROVEN_BY_PROBE, outcome)
    check = BY_CODE.get(outcome.code, AUTHENTICATION)
    if check == SCOPES:
        return {AUTHENTICATION: works(), check: outcome}
    return {check: outcome}
