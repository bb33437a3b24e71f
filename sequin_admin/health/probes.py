"""Probe a credential at its provider and record the outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from sequin_admin.audit.models import record_change
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock, leases
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.http import Unreachable
from sequin_admin.core.jitter import jittered
from sequin_admin.core.metrics import PROBES
from sequin_admin.core.monitored import Monitored
from sequin_admin.core.words import format_time
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import FAILURES, Credential, OAuthApp
from sequin_admin.credentials.outcomes import DraftProbe, Outcome, Verdict
from sequin_admin.health import alerts, checks, ends, one_subject
from sequin_admin.health.checks import Results, record_checks_of_many
from sequin_admin.health.rollup import propagate
from sequin_admin.health.status import Status
from sequin_admin.tokens import attempts, endpoints, lifetimes, renewal
from sequin_admin.tokens.known_secrets import without_known_secrets
from sequin_admin.tokens.models import Purpose, Token

PROBE_INTERVALS = {
    Verdict.OK: timedelta(hours=1),
    Verdict.CUSTOMER: timedelta(hours=6),
    Verdict.OPERATOR: timedelta(minutes=15),
    Verdict.TRANSIENT: timedelta(minutes=2),
}


def verify(
    credential: Credential, *, actor: AnyActor = None, probed: DraftProbe | None = None
) -> Outcome:
    """Probe now, regardless of the schedule, and record the outcome. Audited with an `actor`."""
    outcome = call_probe(credential, force=actor is not None, probed=probed)
    with transaction.atomic():
        changed = record_probe(credential, outcome)
        if actor:
            record_change(
                credential,
                "credential.verified",
                actor,
                verdict=outcome.verdict.value,
                code=outcome.code,
            )
    propagate(changed)
    return outcome


def probe_claimed(credential: Credential) -> bool:
    """Probe and record the outcome. False, and nothing recorded, if the lease was lost or somebody
    checked meanwhile."""
    claimed_until = credential.check_due_at
    outcome = call_probe(credential)
    with transaction.atomic():
        rows = leases.still_mine(credential).select_for_update(no_key=True)
        # Made due meanwhile, it is still ours; checked meanwhile, it is due later.
        if not rows.filter(check_due_at__lte=claimed_until).exists():
            leases.release(credential)
            return False
        changed = record_probe(credential, outcome)
        leases.release(credential)
    propagate(changed)
    return True


def verify_entered(credential: Credential) -> Outcome:
    """As `verify()`, right after it was saved: a probe of its draft is not made once more."""
    probed, credential.probed = credential.probed, None
    return verify(credential, probed=probed)


def call_probe(
    credential: Credential, *, force: bool = False, probed: DraftProbe | None = None
) -> Outcome:
    """Probe once. The outcome has no secret of the credential in what people read."""
    outcome = outcome_of_draft(credential, probed) if probed else None
    return without_known_secrets(credential, outcome or probe_or_classify(credential, force=force))


def outcome_of_draft(credential: Credential, probed: DraftProbe) -> Outcome | None:
    """None where a probe of the saved credential would be another call."""
    if probed.outcome.verdict is Verdict.REFRESH:
        return None
    if lifetimes.is_renewable(credential) or credential.oauth_app:
        return None
    if (probed.destination, probed.secrets) != (credential.destination, {**credential.secrets}):
        return None
    endpoints.record_call(Purpose.PROBE, credential, answered=probed.answered)
    return outcomes.unless_foreign(probed.outcome, credential.provider_title)


def probe_or_classify(credential: Credential, *, force: bool) -> Outcome:
    """A refused access token is refreshed once, and the second answer decides."""
    try:
        newer = must_prove_app(credential, force=force)
        token = renewal.get_proving_token(credential, newer=newer, force=force)
        outcome = probe_with(credential, token)
        if outcome.verdict is Verdict.REFRESH:
            token = renewal.refresh(credential, refused=token, force=force)
            outcome = probe_with(credential, token)
            if outcome.verdict is Verdict.REFRESH:
                return still_refused(credential, outcome)
        return lifetimes.with_short_life(credential, outcome)
    except FAILURES as error:
        return credential.classify_failure(error)


def probe_with(credential: Credential, token: str) -> Outcome:
    try:
        outcome = credential.probe(token)
    except Unreachable:
        endpoints.record_call(Purpose.PROBE, credential, answered=False)
        raise
    endpoints.record_call(Purpose.PROBE, credential, answered=True)
    return outcomes.unless_foreign(outcome, credential.provider_title)


def must_prove_app(credential: Credential, *, force: bool) -> bool:
    """Whether the probe needs a new token: only that shows that its OAuth app works again."""
    app = credential.oauth_app
    if app is None or app.health_status != Status.SEQUIN or app.health_since is None:
        return False
    return force or app.secrets_changed_at > app.health_since


def still_refused(credential: Credential, outcome: Outcome) -> Outcome:
    return outcomes.customer(
        outcome.code,
        f"{credential.provider_title} gave us a new access token and refuses it all the same.",
        "The customer must check what the connected user may do, and connect the account again.",
        "You must check what the connected user may do, and connect the account again.",
    )


def record_probe(credential: Credential, outcome: Outcome) -> list[Monitored]:
    """Lock the row, store properties, checks and statuses. Returns the rows whose status changed.

    Nothing is stored of a call whose secrets were replaced meanwhile: it is due again at once.
    """
    PROBES.labels(credential.kind, outcome.verdict).inc()
    stored = state_at_record(credential)
    app = credential.oauth_app
    if stored.secrets_replaced or (outcome.of_app and stored.app_changed):
        attempts.make_check_due(credential)
        return []
    outcome = merge_discovered(credential, outcome)
    schedule_next_probe(credential, outcome, made_due=stored.made_due)
    if app and outcome.of_app:
        # The OAuth app is at fault: the credential inherits its status.
        changed = record_clean(app, {checks.CLIENT: outcome})
        return changed + record_clean(credential, {})
    changed = []
    if app and not stored.app_changed and proves_app(credential, app, outcome):
        changed = record_clean(app, {checks.CLIENT: outcomes.works()})
    results = {**checks.checks_from_probe(outcome), **check_expiry(credential)}
    return changed + record_clean(credential, results)


def record_clean(subject: Monitored, results: Results) -> list[Monitored]:
    """As `checks.record_checks()`, of outcomes that `call_probe()` has taken the secrets from."""
    return record_checks_of_many([subject], {subject.pk: results})


@dataclass(frozen=True)
class StateAtRecord:
    """What changed between the start of a probe and the recording of its outcome.

    `app_changed`: the OAuth app got a new secret or another status. `made_due`: somebody asked for
    a check.
    """

    secrets_replaced: bool = False
    app_changed: bool = False
    made_due: bool = False


def state_at_record(credential: Credential) -> StateAtRecord:
    """Compare the rows, as they were loaded for the probe, with what is stored now. Under the lock
    of the credential's: nothing is lost of who writes meanwhile."""
    now = one_subject.PROBED_CREDENTIAL.first(pk=credential.pk)
    if now is None:
        return StateAtRecord()
    due_at, due_before = now.check_due_at, credential.check_due_at
    return StateAtRecord(
        secrets_replaced=now.secrets_changed_at != credential.secrets_changed_at,
        app_changed=credential.oauth_app is not None and is_app_changed(credential.oauth_app),
        made_due=bool(due_at and due_before and due_at < due_before),
    )


def is_app_changed(app: OAuthApp) -> bool:
    """Whether the app has other secrets or another status than when it was loaded."""
    rows = OAuthApp.objects.filter(pk=app.pk).values_list("secrets_changed_at", "health_since")
    return rows.first() != (app.secrets_changed_at, app.health_since)


def merge_discovered(credential: Credential, outcome: Outcome) -> Outcome:
    """Store discovered properties. Returns `outcome`, or `duplicate` for a known account."""
    if outcome.discovered:
        # Whoever wrote some of them during the probe did so before the lock.
        credential.refresh_from_db(fields=["properties", "identity"])
    if not credential_operations.merge_properties(credential, outcome.discovered):
        return outcome
    other = credential_operations.duplicate_of(credential)
    if other:
        credential.refresh_from_db(fields=["properties", "identity"])
        return without_known_secrets(credential, duplicate_outcome(credential, other))
    credential.save(update_fields=["properties", "identity", "updated_at"])
    return outcome


def schedule_next_probe(credential: Credential, outcome: Outcome, *, made_due: bool) -> None:
    """`made_due` while the probe ran: a success does not answer for what happened meanwhile."""
    now = clock.now()
    delay = timedelta() if made_due and outcome.ok else next_probe_delay(outcome)
    credential.checked_at, credential.check_due_at = now, now + delay
    # Rows from before it was stored get it here.
    credential.update_end()
    credential.save(update_fields=["checked_at", "check_due_at", "ends_at", "end_notice_at"])


def check_expiry(credential: Credential) -> dict[str, Outcome]:
    """Result of the expiry check, if the provider says when all access ends."""
    ends_at = credential.access_ends_at()
    if ends_at is None:
        return {}
    return {checks.EXPIRY: expiry_outcome(credential, ends_at)}


def expiry_outcome(credential: Credential, at: datetime) -> Outcome:
    if not ends.changes_status(credential, at):
        return outcomes.works()
    return outcomes.customer(
        alerts.ENDS_SOON,
        f"All access to {credential.provider_title} ends on {format_time(at)} at the latest.",
        "The customer must connect the account again before.",
        "You must connect the account again before.",
    )


def duplicate_outcome(credential: Credential, other: Credential) -> Outcome:
    """For two credentials of one account, stored while the account could not be identified."""
    return outcomes.operator(
        "duplicate",
        f"This is the same account at {credential.provider_title} as {other}.",
        "Delete one of the two.",
        of_app=False,
    )


def next_probe_delay(outcome: Outcome) -> timedelta:
    """Delay until the next probe, with jitter so that credentials do not probe in step."""
    pause = jittered(PROBE_INTERVALS.get(outcome.verdict, timedelta(minutes=15)))
    return max(pause, timedelta(seconds=outcome.retry_after_s or 0))


def proves_app(credential: Credential, app: OAuthApp, outcome: Outcome) -> bool:
    """Whether this probe shows that `app` works: it signed the call, or it was granted a token
    since the trouble began and since its secret was replaced."""
    if not app.health_status:
        return outcome.ok or outcome.proves_app
    if app.health_status != Status.SEQUIN or app.health_since is None:
        return False
    since = max(app.health_since, app.secrets_changed_at)
    issued = Token.objects.filter(credential=credential, issued_at__gt=since)
    return outcome.proves_app or issued.exists()
