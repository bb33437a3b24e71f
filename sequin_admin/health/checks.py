"""The names of the checks, which of them an outcome decides, and recording their results."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Model, QuerySet

from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.outcomes import Outcome, Verdict, works
from sequin_admin.health.models import SENTENCE_CHARS, Check, Outage, subject_columns
from sequin_admin.health.rollup import STATUS_COLUMNS, apply_statuses
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


def record_checks(subject: Monitored, results: Mapping[str, Outcome]) -> list[Monitored]:
    """Store results of checks of one subject, by the check's name, and recompute its status.

    Stored without the secrets of the subject. Call it in a transaction. Returns the subject in a
    list if its status changed, for `rollup.propagate()` after the commit.
    """
    if not lock_status(subject):
        return []
    now, grace_start = clock.now(), grace_period_start(subject)
    known = {check.check_name: check for check in Check.objects.about(subject)}
    for name, outcome in results.items():
        check = known.get(name) or Check(**subject_columns(subject), check_name=name)
        shown = without_known_secrets(subject, outcome)
        update_check(check, shown, subject, at=now, grace_start=grace_start)
        known[name] = check
    Check.objects.bulk_update([known[n] for n in results if known[n].pk], RESULT_COLUMNS)
    Check.objects.bulk_create(known[n] for n in results if not known[n].pk)
    # In the database's order, by name.
    return apply_statuses([subject], {subject.pk: [known[name] for name in sorted(known)]})


def lock_status(subject: Monitored) -> bool:
    """Lock the row until the transaction ends and reload its status. False if it was deleted.

    Rows that were loaded with it are reloaded after that: their status may have changed, and who
    propagates it waits for this lock.
    """
    rows = type(subject)._base_manager.filter(pk=subject.pk)
    found = reload_status(subject, rows.select_for_update(no_key=True))
    for row in subject._state.fields_cache.values():
        if isinstance(row, Monitored):
            reload_status(row, type(row)._base_manager.filter(pk=row.pk))
    return found


def reload_status(row: Monitored, rows: QuerySet[Model]) -> bool:
    state = rows.values_list(*STATUS_COLUMNS).first()
    for column, value in zip(STATUS_COLUMNS, state or (), strict=False):
        setattr(row, column, value)
    return state is not None


def grace_period_start(subject: Monitored) -> datetime:
    """The earliest start of a grace period: suspended in an outage, it restarts after it."""
    last = Outage.objects.filter(provider=subject.provider).first()  # type: ignore[attr-defined]
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
