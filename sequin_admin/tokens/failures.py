"""Failed renewals: what is stored of them, and when the next attempt may begin."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from sequin_admin.core import clock
from sequin_admin.core.jitter import jittered
from sequin_admin.core.leases import release
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.tokens.lifetimes import LEAST_LEFT_S, short_life_outcome
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.renewal_leases import RenewalLease

BACKOFF_S = (5, 900)
REFUSED_RETRY_AFTER = timedelta(days=1)
LEASE_LOST = "lease_lost"


def record_failure(lease: RenewalLease, outcome: Outcome, *, again: bool = True) -> None:
    """Store a failed attempt and the time of the next. `again=False`: the worker does not retry."""
    now = clock.now()
    failures = lease.token.failures + 1
    next_try_at = now + retry_delay(outcome, failures)
    release(
        lease.token,
        failures=F("failures") + 1,
        next_try_at=next_try_at,
        # Moved with it, so that it does not precede other due tokens in the claim.
        refresh_at=next_try_at if again and lease.token.refresh_at else None,
        refusal=as_refusal(outcome),
        journal=record_attempt_end(lease.token.journal, outcome.code, now),
        **({"grant_refused": True} if is_refused_grant(lease, outcome) else {}),
    )


def is_refused_grant(lease: RenewalLease, outcome: Outcome) -> bool:
    """Whether the provider no longer takes the refresh token; not, for example, the client."""
    flow = lease.token.credential.oauth
    return bool(flow and outcome.code in flow.refused_codes)


def retry_delay(outcome: Outcome, failures: int) -> timedelta:
    """How long to wait after the `failures`-th failure in a row: exponential, about a day when the
    grant is revoked."""
    if outcome.verdict is Verdict.CUSTOMER:
        return jittered(REFUSED_RETRY_AFTER, 1, 1.1)
    first, longest = BACKOFF_S
    delay = timedelta(seconds=min(first * 2 ** min(failures - 1, 10), longest))
    return max(jittered(delay, 0.5, 1), timedelta(seconds=outcome.retry_after_s or 0))


def is_backing_off(token: Token, credential: Credential) -> bool:
    """Whether the next attempt must wait, unless the OAuth app was mended since the last: it got a
    new secret, or it works again and was the reason."""
    if token.next_try_at is None or token.next_try_at <= clock.now():
        return False
    app = credential.oauth_app
    if app is None or token.tried_at is None:
        return True
    mended_at = app.secrets_changed_at
    if token.refusal.get("of_app") and app.health_status == "healthy" and app.health_since:
        mended_at = max(mended_at, app.health_since)
    return mended_at < token.tried_at


def is_refused(token: Token) -> bool:
    """Whether the last renewal was refused for good: not by a transient fault."""
    verdict = token.refusal.get("verdict", Verdict.TRANSIENT)
    return Verdict(verdict) is not Verdict.TRANSIENT


def as_refusal(outcome: Outcome) -> dict[str, Any]:
    names = ("code", "message", "remedy", "of_app")
    return {"verdict": outcome.verdict.value} | {name: getattr(outcome, name) for name in names}


def record_attempt_end(
    journal: list[dict[str, Any]], code: str, at: datetime
) -> list[dict[str, Any]]:
    """The journal with `ended` and `code` set on its last attempt."""
    if not journal:
        return []
    return [*journal[:-1], {**journal[-1], "ended": at.isoformat(), "code": code}]


def delay_next_renewal(
    credential: Credential, token: Token, grant: TokenGrant, now: datetime
) -> None:
    """Keep a token with a short life from being renewed on every call. Unsaved.

    The next renewal waits until it is about to end; that of a token which lives for no more than
    seconds waits longer each time. A provider may also repeat its token until that has ended.
    """
    life_s = token.lifetime_s or 0.0
    is_same = token.secrets.get("access_token") == grant.access_token
    gap_s = life_s if is_same else life_s - LEAST_LEFT_S
    if life_s < 2 * LEAST_LEFT_S:
        attempts = itertools.takewhile(lambda each: "life_s" in each, reversed(token.journal[:-1]))
        gap_s = max(gap_s, min(2 ** len([*attempts]), BACKOFF_S[1]))
        for attempt in token.journal[-1:]:
            attempt["life_s"] = life_s
    token.next_try_at = now + timedelta(seconds=gap_s)
    token.refresh_at = max(token.refresh_at or token.next_try_at, token.next_try_at)
    token.refusal = as_refusal(short_life_outcome(credential, life_s, gap_s))


def lease_lost() -> Outcome:
    return outcomes.transient(LEASE_LOST, "Another worker took this over, or it was replaced.")


def lost_answer_outcome(credential: Credential, outcome: Outcome) -> Outcome:
    """The outcome of `invalid_grant` after an attempt that got no response."""
    return outcomes.customer(
        "answer_lost",
        f"{credential.provider_title} renewed the access, but its answer was lost on the way to "
        "us, and it does not repeat answers. The old refresh token is spent.",
        outcome.remedy,
        outcome.customer_remedy,
    )
