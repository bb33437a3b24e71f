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

from sequin_admin.core.absence import without
from sequin_admin.core.metrics import PERMITS
from sequin_admin.credentials.models import Credential
from sequin_admin.limits.limiter_state import LEAD
from sequin_admin.limits.models import get_rate
from sequin_admin.limits.permits import (
    CallOutcome,
    Permit,
    PermitRefused,
    make_release,
    make_request,
)
from sequin_admin.limits.refusals import count_refusal
from sequin_admin.limits.requests import MS, LeaseRelease, LimiterRequest, LimiterResponse
from sequin_admin.limits.stores import Store, Unavailable
from sequin_admin.limits.stores.database import DatabaseStore
from sequin_admin.limits.stores.memory import MemoryStore

log = structlog.get_logger(__name__)
MICROSECONDS = 1_000_000
SHORTEST_SLEEP = MS
# Scopes whose state is dropped in one trip to the store.
FORGOTTEN = 200

local = MemoryStore()


@cache
def store_at(redis_url: str) -> Store:
    """Only who has a Redis loads its library, which takes 12 MB."""
    if not redis_url:
        return DatabaseStore()
    # It would load OpenTelemetry's metrics wherever they are installed; nobody reads those of it.
    with without("opentelemetry"):
        from sequin_admin.limits.stores.redis import RedisStore
    return RedisStore(redis_url)


def current_store() -> Store:
    """The store shared by all processes: Redis if it is configured, else the database."""
    return store_at(settings.REDIS_URL)


def describe_risks() -> list[str]:
    """Sentences about a store that may forget permits, or that can't be asked; one that keeps all
    has none."""
    try:
        risks = current_store().risks()
    except Unavailable as error:
        return [f"{error} Permits wait until it can be."]
    said = {True: "No permits are granted: ", False: ""}
    return [said[risk.is_refused] + risk.sentence for risk in risks]


def log_risks() -> None:
    """Called at start-up."""
    for sentence in describe_risks():
        log.warning("the store of permits is not safe", reason=sentence)


def acquire(
    credential: Credential, n: int = 1, *, releases: Sequence[LeaseRelease] = (), **options: Any
) -> Permit:
    """Acquire 1 to `n` permits, after `releases`. `options` are those of `make_request()`.

    Waits up to `wait_ms`. Raises `PermitRefused`, or `Unavailable` when the store can't be reached.
    """
    request = make_request(get_rate(credential), n, **options)
    deadline = time.monotonic() + request.wait / MICROSECONDS
    while True:
        asked_at = time.monotonic()
        response = request_permit(credential.pk, releases, request)
        if response.leases:
            if response.starts_in:  # Even sleep(0) takes as long as a request to Redis.
                time.sleep(response.starts_in / MICROSECONDS)
            PERMITS.labels("granted").inc(len(response.leases))
            began = asked_at + response.starts_in / MICROSECONDS
            return Permit(response.leases, response.starts_at, began)
        if response.retry_in > request.wait:
            PERMITS.labels("refused").inc()
            if not options.get("ticket"):
                # Who asks again for the same call was counted.
                count_refusal(credential.pk)
            retry_after_ms = ceil(response.retry_in / MS)
            raise PermitRefused(retry_after_ms, response.ticket, quiet=response.quiet)
        # The store grants permits a little before they start.
        time.sleep(max(response.retry_in - LEAD, SHORTEST_SLEEP) / MICROSECONDS)
        left = round(max(0.0, deadline - time.monotonic()) * MICROSECONDS)
        request, releases = replace(request, wait=left, ticket=response.ticket), ()


def request_permit(
    pk: UUID, releases: Sequence[LeaseRelease], request: LimiterRequest
) -> LimiterResponse:
    """One request to the store. While it is unavailable, falls back to `LIMITER_FALLBACK_SHARE` of
    the limit in this process, or raises `Unavailable` if that allows nothing."""
    try:
        return current_store().acquire(pk, request, releases)
    except Unavailable as error:
        share = settings.LIMITER_FALLBACK_SHARE
        if request.limit.share(share).allowed < 1:
            PERMITS.labels("unavailable").inc()
            raise
        log.warning("limiter falls back to its own share", share=share, error=str(error))
        return local.acquire(pk, request.share(share), releases)


def release(
    credential: Credential, lease: str, outcome: CallOutcome = CallOutcome.OK, **options: Any
) -> bool:
    """Release a permit. `options` are those of `make_release()`. False if its lease had expired."""
    returned = make_release(get_rate(credential), lease, outcome, **options)
    return release_all(credential, [returned])[0]


def release_all(credential: Credential, releases: Sequence[LeaseRelease]) -> list[bool]:
    """Release permits with one request. Returns for each whether its lease had not expired."""
    if settings.LIMITER_FALLBACK_SHARE:
        local.release(credential.pk, releases)
    return [each.live for each in current_store().release(credential.pk, releases)]


def forget(scopes: Sequence[tuple[UUID, str]]) -> None:
    """Drop the state of credentials that go, each with a scope, some at a time.

    It would expire by itself, so a store that is away is waited for once.
    """
    try:
        for start in range(0, len(scopes), FORGOTTEN):
            current_store().forget(scopes[start : start + FORGOTTEN])
    except Unavailable as error:
        log.warning("permits not forgotten", error=str(error))
