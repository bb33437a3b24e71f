"""Permits to call: `acquire()` before a call, `release()` after it. Exact over all processes.

In no window of a credential's `interval` do more than `allowed_requests` permits start, and no
more than `max_concurrent_requests` are out. A permit that nobody gives back ends with its lease.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from math import ceil
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings

from sequin_admin.credentials.models import Credential
from sequin_admin.limits.limiter_state import LEAD
from sequin_admin.limits.models import RateLimit, of
from sequin_admin.limits.permits import (
    CallOutcome,
    Permit,
    PermitLease,
    PermitRefused,
    PermitRelease,
    PermitRequest,
    limit_of,
)
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterResponse
from sequin_admin.limits.stores import Store, Unavailable
from sequin_admin.limits.stores.database import DatabaseStore
from sequin_admin.limits.stores.memory import MemoryStore
from sequin_admin.limits.stores.redis import RedisStore

log = structlog.get_logger(__name__)
MICROSECONDS = 1_000_000
SHORTEST_SLEEP = MS
# How long to stop for a provider that names no time: one interval, within these.
PAUSE_S = (1.0, 60.0)

local = MemoryStore()


@cache
def store_at(redis_url: str) -> Store:
    return RedisStore(redis_url) if redis_url else DatabaseStore()


def current_store() -> Store:
    """Where all processes keep their permits: in Redis when there is one, else in the database."""
    return store_at(settings.REDIS_URL)


def acquire(
    credential: Credential, n: int = 1, *, releases: Sequence[PermitRelease] = (), **options: Any
) -> Permit:
    """Up to `n` permits, at least one. `options` are those of `Wish`; `releases` come back first.

    Waits up to `wait_ms` for them. Raises `Refused`, or `Unavailable` when the store is away.
    """
    wish, rate = PermitRequest(n=n, **options), of(credential)
    backs = returns(releases, rate)
    ends = time.monotonic() + wish.wait_ms / 1000
    while True:
        asked = time.monotonic()
        left_ms = max(0.0, ends - asked) * 1000
        answer = request_permit(credential.pk, backs, wish, rate, left_ms)
        if answer.leases:
            if answer.starts_in:  # Even a sleep of nothing takes as long as asking Redis.
                time.sleep(answer.starts_in / MICROSECONDS)
            leases = tuple(PermitLease(credential.pk, id) for id in answer.leases)
            return Permit(leases, answer.starts_at, asked + answer.starts_in / MICROSECONDS)
        if answer.opens_in > left_ms * MS:
            raise PermitRefused(ceil(answer.opens_in / MS), answer.ticket)
        # The store gives permits out a little before they start.
        time.sleep(max(answer.opens_in - LEAD, SHORTEST_SLEEP) / MICROSECONDS)
        wish, backs = replace(wish, ticket=answer.ticket), []


def request_permit(
    pk: UUID, backs: list[LeaseRelease], wish: PermitRequest, rate: RateLimit, wait_ms: float
) -> LimiterResponse:
    """One step at the store, or here with a share of the limit while that is away and we may."""
    try:
        return current_store().acquire(pk, wish.as_ask(rate, wait_ms), backs)
    except Unavailable as error:
        share = settings.LIMITER_FALLBACK_SHARE
        if limit_of(rate, share).allowed < 1:
            raise
        log.warning("limiter falls back to its own share", share=share, error=str(error))
        return local.acquire(pk, wish.as_ask(rate, wait_ms, share), backs)


def release(
    lease: PermitLease,
    outcome: CallOutcome = CallOutcome.OK,
    retry_after: float | None = None,
    **said: Any,
) -> bool:
    """Give a permit back. `said` is more of a `Release`. False when its lease had ended.

    A throttled call stops everybody for `retry_after` seconds, or for one interval.
    """
    back = PermitRelease(lease.id, outcome, retry_after, **said)
    credential = Credential.objects.select_related("rate_limit").get(pk=lease.credential_id)
    return release_all(credential, [back])[0]


def release_all(credential: Credential, releases: Sequence[PermitRelease]) -> list[bool]:
    """Give permits back in one trip. Says of each whether it was still out."""
    backs = returns(releases, of(credential))
    if settings.LIMITER_FALLBACK_SHARE:
        local.release(credential.pk, backs)
    return [each.live for each in current_store().release(credential.pk, backs)]


def returns(releases: Sequence[PermitRelease], rate: RateLimit) -> list[LeaseRelease]:
    shortest, longest = PAUSE_S
    pause_s = min(max(rate.interval / 1000, shortest), longest)
    return [each.as_return(pause_s) for each in releases]
