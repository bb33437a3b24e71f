"""The rate limiter: `acquire()` a permit before a call, `release()` it after. Exact over processes.

In any window of a credential's `interval` at most `allowed_requests` permits start, and at most
`max_concurrent_requests` are held at once. A permit that is not released ends with its lease.
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
from sequin_admin.limits.models import RateLimit, get_rate_limit
from sequin_admin.limits.permits import (
    CallOutcome,
    Permit,
    PermitLease,
    PermitRefused,
    PermitRelease,
    PermitRequest,
    to_limit,
)
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterResponse
from sequin_admin.limits.stores import Store, Unavailable
from sequin_admin.limits.stores.database import DatabaseStore
from sequin_admin.limits.stores.memory import MemoryStore
from sequin_admin.limits.stores.redis import RedisStore

log = structlog.get_logger(__name__)
MICROSECONDS = 1_000_000
SHORTEST_SLEEP = MS
# How long a throttled call without `Retry-After` pauses: one interval, within these bounds.
PAUSE_S = (1.0, 60.0)

local = MemoryStore()


@cache
def store_at(redis_url: str) -> Store:
    return RedisStore(redis_url) if redis_url else DatabaseStore()


def current_store() -> Store:
    """The store shared by all processes: Redis if it is configured, else the database."""
    return store_at(settings.REDIS_URL)


def acquire(
    credential: Credential, n: int = 1, *, releases: Sequence[PermitRelease] = (), **options: Any
) -> Permit:
    """Acquire 1 to `n` permits, after `releases`. `options` are the fields of `PermitRequest`.

    Waits up to `wait_ms`. Raises `PermitRefused`, or `Unavailable` when the store can't be reached.
    """
    request, rate = PermitRequest(n=n, **options), get_rate_limit(credential)
    returned = to_lease_releases(releases, rate)
    deadline = time.monotonic() + request.wait_ms / 1000
    while True:
        asked_at = time.monotonic()
        left_ms = max(0.0, deadline - asked_at) * 1000
        response = request_permit(credential.pk, returned, request, rate, left_ms)
        if response.leases:
            if response.starts_in:  # Even sleep(0) takes as long as a request to Redis.
                time.sleep(response.starts_in / MICROSECONDS)
            leases = tuple(PermitLease(credential.pk, id) for id in response.leases)
            return Permit(leases, response.starts_at, asked_at + response.starts_in / MICROSECONDS)
        if response.retry_in > left_ms * MS:
            raise PermitRefused(ceil(response.retry_in / MS), response.ticket)
        # The store grants permits a little before they start.
        time.sleep(max(response.retry_in - LEAD, SHORTEST_SLEEP) / MICROSECONDS)
        request, returned = replace(request, ticket=response.ticket), []


def request_permit(
    pk: UUID, returned: list[LeaseRelease], request: PermitRequest, rate: RateLimit, wait_ms: float
) -> LimiterResponse:
    """One request to the store. While it is unavailable, falls back to `LIMITER_FALLBACK_SHARE` of
    the limit in this process, or raises `Unavailable` if that allows nothing."""
    try:
        return current_store().acquire(pk, request.to_limiter_request(rate, wait_ms), returned)
    except Unavailable as error:
        share = settings.LIMITER_FALLBACK_SHARE
        if to_limit(rate, share).allowed < 1:
            raise
        log.warning("limiter falls back to its own share", share=share, error=str(error))
        return local.acquire(pk, request.to_limiter_request(rate, wait_ms, share), returned)


def release(
    lease: PermitLease,
    outcome: CallOutcome = CallOutcome.OK,
    retry_after: float | None = None,
    **options: Any,
) -> bool:
    """Release a permit. `options` are fields of `PermitRelease`. False if its lease had expired.

    A throttled call pauses the credential for `retry_after` seconds, or for one interval.
    """
    returned = PermitRelease(lease.id, outcome, retry_after, **options)
    credential = Credential.objects.select_related("rate_limit").get(pk=lease.credential_id)
    return release_all(credential, [returned])[0]


def release_all(credential: Credential, releases: Sequence[PermitRelease]) -> list[bool]:
    """Release permits with one request. Returns for each whether its lease had not expired."""
    returned = to_lease_releases(releases, get_rate_limit(credential))
    if settings.LIMITER_FALLBACK_SHARE:
        local.release(credential.pk, returned)
    return [each.live for each in current_store().release(credential.pk, returned)]


def to_lease_releases(releases: Sequence[PermitRelease], rate: RateLimit) -> list[LeaseRelease]:
    shortest, longest = PAUSE_S
    pause_s = min(max(rate.interval / 1000, shortest), longest)
    return [each.to_lease_release(pause_s) for each in releases]
