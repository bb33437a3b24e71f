"""Ask the provider whether a credential works, and keep what came of it."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import models, transaction

from sequin_admin.audit.models import record_change
from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import FAILURES, Credential, Monitored, OAuthApp
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.health import checks
from sequin_admin.health.rollup import propagate, record_checks
from sequin_admin.health.status import Status
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token

CLAIM = timedelta(minutes=2)
NEXT = {
    Verdict.OK: timedelta(hours=1),
    Verdict.CUSTOMER: timedelta(hours=6),
    Verdict.OPERATOR: timedelta(minutes=15),
    Verdict.TRANSIENT: timedelta(minutes=2),
}
# So long before all access ends the customer is asked for it anew.
ENDS_SOON = timedelta(days=7)


def verify(credential: Credential, *, actor: models.Model | None = None) -> Outcome:
    """Probe now, whatever the schedule, and store the outcome. Audited when `actor` asked."""
    outcome = call_probe(credential, force=actor is not None)
    with transaction.atomic():
        changed = record_probe(credential, outcome)
        if actor:
            record_change(
                "credential.verified",
                actor=actor,
                target=credential,
                organization_id=credential.organization_id,
                verdict=outcome.verdict.value,
                code=outcome.code,
            )
    propagate(changed)
    return outcome


def claim_due(room: int) -> list[Credential]:
    """Up to `room` credentials whose time has come, each ours for as long as `CLAIM`.

    One short transaction: rows that another process is at are passed over, not waited for.
    """
    with transaction.atomic():
        due = Credential.objects.check_due(clock.now()).select_related("oauth_app")
        rows = list(due.select_for_update(skip_locked=True, of=("self",), no_key=True)[:room])
        until = clock.now() + CLAIM
        Credential.objects.filter(pk__in=[row.pk for row in rows]).update(check_due_at=until)
        for row in rows:
            row.check_due_at = until
    return rows


def probe_claimed(credential: Credential) -> bool:
    """Probe, and keep the outcome unless the claim is over: then somebody knows better by now."""
    claimed_until = credential.check_due_at
    outcome = call_probe(credential)
    with transaction.atomic():
        rows = Credential.objects.select_for_update(no_key=True)
        if not rows.filter(pk=credential.pk, check_due_at=claimed_until).exists():
            return False
        changed = record_probe(credential, outcome)
    propagate(changed)
    return True


def probe_due(limit: int = 100, stopped: Callable[[], bool] = lambda: False) -> int:
    """Probe the credentials whose time has come, one by one. Returns how many were probed.

    `stopped` is asked before each: a worker that must end does not begin another one.
    """
    probed = 0
    for _ in range(limit):
        claimed = [] if stopped() else claim_due(1)
        if not claimed:
            break
        probed += probe_claimed(claimed[0])
    return probed


def call_probe(credential: Credential, *, force: bool = False) -> Outcome:
    """One probe. A refused access token is renewed once; only what follows decides."""
    try:
        token = renewal.current(credential, force=force)
        outcome = credential.probe(token)
        if outcome.verdict is Verdict.REFRESH:
            token = renewal.refresh(credential, refused=token, force=force)
            outcome = credential.probe(token)
            if outcome.verdict is Verdict.REFRESH:
                return still_refused(credential, outcome)
        return outcome
    except FAILURES as error:
        return credential.classify_failure(error)


def still_refused(credential: Credential, outcome: Outcome) -> Outcome:
    return outcomes.customer(
        outcome.code,
        f"{credential.provider_title} gave us a new access token and refuses it all the same.",
        "The customer must check what the connected user may do, and connect the account again.",
    )


def record_probe(credential: Credential, outcome: Outcome) -> list[Monitored]:
    """Write the facts, the checks and the statuses. Returns the rows whose status changed."""
    outcome = merge_discovered(credential, outcome)
    schedule(credential, outcome)
    app = credential.oauth_app
    if app and outcome.of_app:
        # The fault is the app's: the credential takes it over from there.
        changed = record_checks(app, {checks.CLIENT: outcome})
        return changed + record_checks(credential, {})
    changed = []
    if app and outcome.ok and renewed_since_trouble(credential, app):
        changed = record_checks(app, {checks.CLIENT: outcomes.works()})
    results = {**checks.of_probe(outcome), **expiry(credential)}
    return changed + record_checks(credential, results)


def merge_discovered(credential: Credential, outcome: Outcome) -> Outcome:
    """Keep what the provider told. Another outcome, where it told that we know the account."""
    if outcome.discovered:
        # A renewal on the way may have written some of them.
        credential.refresh_from_db(fields=["properties"])
    if not credential_operations.merge_properties(credential, outcome.discovered):
        return outcome
    twin = credential_operations.duplicate_of(credential)
    if twin:
        credential.refresh_from_db(fields=["properties", "identity"])
        return duplicate(credential, twin)
    credential.save(update_fields=["properties", "identity", "updated_at"])
    return outcome


def schedule(credential: Credential, outcome: Outcome) -> None:
    now = clock.now()
    credential.checked_at, credential.check_due_at = now, now + until_next(outcome)
    credential.save(update_fields=["checked_at", "check_due_at"])


def expiry(credential: Credential) -> dict[str, Outcome]:
    """Whether all access ends soon, where the provider says when it does."""
    ends_at = credential.access_ends_at()
    if ends_at is None:
        return {}
    return {checks.EXPIRY: ends(credential, ends_at)}


def ends(credential: Credential, at: datetime) -> Outcome:
    if at - clock.now() > ENDS_SOON:
        return outcomes.works()
    return outcomes.customer(
        "ends_soon",
        f"All access to {credential.provider_title} ends on {at:%-d %B %Y, %H:%M} UTC.",
        "The customer must connect the account again before.",
    )


def duplicate(credential: Credential, twin: Credential) -> Outcome:
    """Both were stored while the provider could not say whose they are."""
    return outcomes.operator(
        "duplicate",
        f"This is the same account at {credential.provider_title} as {twin}.",
        "Delete one of the two.",
        of_app=False,
    )


def until_next(outcome: Outcome) -> timedelta:
    """When to look again, with jitter so that a fleet does not probe in step."""
    pause = NEXT.get(outcome.verdict, timedelta(minutes=15)) * random.uniform(0.8, 1.2)  # noqa: S311
    return max(pause, timedelta(seconds=outcome.retry_after_s or 0))


def renewed_since_trouble(credential: Credential, app: OAuthApp) -> bool:
    """Whether a token was issued through `app` after it was found broken: then it works again."""
    if app.health_status != Status.SEQUIN or app.health_since is None:
        return not app.health_status
    return Token.objects.filter(credential=credential, issued_at__gt=app.health_since).exists()
