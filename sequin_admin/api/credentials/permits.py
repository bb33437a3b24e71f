"""/v1/credentials/{id}/permits: the permission to make the next call, exact over all workers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.credentials.tokens import get_checked_or_404, prepare_lookup
from sequin_admin.api.framework.auth import ApiRequest, CachedKeyAuth
from sequin_admin.api.framework.errors import ERRORS, ApiError, Problem
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import json_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, Shape, Strict
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import limiter
from sequin_admin.limits.models import get_rate
from sequin_admin.limits.permits import (
    LEASE_MS,
    CallOutcome,
    PermitRefused,
    Priority,
    make_release,
    most_at_once,
)
from sequin_admin.limits.requests import LeaseRelease
from sequin_admin.limits.stores import Unavailable
from sequin_admin.syncs.models import Sync

MAX_PERMITS = 1000
MAX_WAIT_MS = 10_000
MAX_LEASE_MS = 900_000
MAX_USE_MS = 60_000
# A permit is released whatever its caller reports: larger values are capped.
MAX_REPORTED_MS = 31_536_000_000
MAX_REPORTED_CALLS = 1_000_000_000
RETRY_AFTER_S = 1
# The wait when all long polls are taken. With a wait the caller gets a ticket for the queue.
SHORT_WAIT_MS = 1
LIMITER_OPTIONS = ("n", "lease_ms", "use_within_ms", "priority", "ticket")
LEASE = r"^[0-9]{1,15}\.[0-9]{1,16}\.[0-9]{1,9}\.[\w-]{0,60}$"
TICKET = r"^([0-9]{1,15}\.[0-2]\.[\w-]{0,60})?$"

router = Resource(
    "Permits",
    "The permission to make the next call. No window of a credential's rate limit ever "
    "sees more calls than allowed, over all workers.",
    auth=CachedKeyAuth(),
)

EXAMPLE_LEASE = "1764100000000.1.1.worker"


class Ending(Strict):
    """How a call ended, and what the provider said of its rate limit."""

    outcome: CallOutcome = Field(
        default=CallOutcome.OK,
        description="throttled: the provider asks to slow down, so everybody stops. "
        "unused: no call was made, so the place is free again.",
    )
    retry_after_ms: float | None = Field(
        default=None, ge=0, description="Of a throttled call: how long the provider wants quiet."
    )
    used_ms: float | None = Field(
        default=None,
        ge=0,
        description="How long after the permit's start the call had reached the provider at the "
        "latest. Without it: when it is given back, or `use_within_ms`.",
    )
    remaining: int | None = Field(
        default=None, ge=0, description="How many more calls the provider's headers allow..."
    )
    reset_ms: float = Field(default=0, ge=0, description="... within that time.")

    def release(self, credential: Credential, lease: str) -> LeaseRelease:
        wait, used, left = self.retry_after_ms, self.used_ms, self.remaining
        return make_release(
            get_rate(credential),
            lease,
            self.outcome,
            retry_after_s=None if wait is None else min(wait, MAX_REPORTED_MS) / 1000,
            used_ms=None if used is None else min(used, MAX_REPORTED_MS),
            remaining=None if left is None else min(left, MAX_REPORTED_CALLS),
            reset_s=min(self.reset_ms, MAX_REPORTED_MS) / 1000,
        )


class ReleasedPermit(Body, Ending):
    """A permit that is released, and how its call ended."""

    lease: str = Field(pattern=LEASE)


class PermitAsk(Body):
    """How many calls, how long to wait for them, and permits to give back meanwhile."""

    examples = {"one call": {}, "ten calls": {"n": 10, "wait_ms": 2000, "lease_ms": 60_000}}

    n: int = Field(default=1, ge=1, le=MAX_PERMITS, description="You get as many or fewer.")
    wait_ms: int = Field(
        default=0, ge=0, le=MAX_WAIT_MS, description="How long to wait for the first."
    )
    lease_ms: int = Field(
        default=LEASE_MS,
        ge=100,
        le=MAX_LEASE_MS,
        description="When a permit that you don't give back ends: longer than your longest call.",
    )
    use_within_ms: int = Field(
        default=0,
        ge=0,
        le=MAX_USE_MS,
        description="How long you may put off the call. Until you give the permit back it counts "
        "as if used at the very end, so that the limit holds for the calls themselves.",
    )
    priority: Priority = Field(
        default=Priority.LIVE, description="Who goes first; the others keep a share."
    )
    ticket: str = Field(
        default="", pattern=TICKET, description="From a 429: keeps your place in the line."
    )
    sync_id: UUID | None = Field(
        default=None, description="The sync that asks: its own, narrower limit then holds, too."
    )
    releases: list[ReleasedPermit] = Field(
        default=[], max_length=MAX_PERMITS, description="Permits that come back by the way."
    )


class PermitShape(Shape):
    """The permits started `age_ms` ago; answering took `took_ms`, waiting included."""

    leases: list[str] = Field(description="One for each call. Give each back when it has ended.")
    age_ms: float
    took_ms: float
    use_within_ms: int
    most_at_once: int = Field(
        description="Ask for no more at once: a tenth of the limit, and of the calls at one time."
    )


class TooFast(Problem):
    """No permit for now. Without `retry_after_ms` it is the API key whose own limit is used up."""

    retry_after_ms: int
    ticket: str = Field(
        description="Send it along to keep your place. Empty when you don't wait.", examples=[""]
    )


class Releases(Body):
    """Permits to give back, with how their calls ended."""

    examples = {"ok": {"releases": [{"lease": EXAMPLE_LEASE, "outcome": "ok", "used_ms": 40}]}}

    releases: list[ReleasedPermit] = Field(min_length=1, max_length=MAX_PERMITS)


class Returned(Shape):
    """What became of the permits that were given back, in their order."""

    live: list[bool] = Field(description="Of each, whether it was still out or had ended before.")


ANSWERS = {**ERRORS, 503: Problem}


@router.post(
    "/{credential_id}/permits", response={200: PermitShape, **ANSWERS, 429: TooFast | Problem}
)
@decorate_view(quick)
def take_permits(
    request: ApiRequest, credential_id: UUID, payload: PermitAsk, response: HttpResponse
) -> Status[dict[str, Any]] | HttpResponse:
    """Permission for the next calls, at least one. 429 says when to ask again.

    In no `interval` do more than `allowed_requests` permits start, over all who ask, and no more
    than `max_concurrent_requests` are out. A permit bounds when its call starts: make it at once,
    or within `use_within_ms` less the time that it takes to the provider. Give one that grew older
    back as `unused`, and ask anew.
    """
    began, credential = time.monotonic(), get_for_permits_or_404(request, credential_id)
    options = {name: getattr(payload, name) for name in LIMITER_OPTIONS}
    options["also"] = limit_of_sync(credential, payload.sync_id)
    releases = [given.release(credential, given.lease) for given in payload.releases]
    try:
        with unavailable_as_503(), limit_wait(payload.wait_ms) as wait_ms:
            grant = limiter.acquire(credential, wait_ms=wait_ms, releases=releases, **options)
    except PermitRefused as refused:
        response["Cache-Control"] = "no-store"
        response["Retry-After"] = str(ceil(refused.retry_after_ms / 1000))
        body = {"retry_after_ms": refused.retry_after_ms, "ticket": refused.ticket}
        return Status(429, {"summary": str(refused), **body})
    now = time.monotonic()
    shown = {
        "leases": grant.leases,
        "age_ms": (now - grant.began) * 1000,
        "took_ms": (now - began) * 1000,
        "use_within_ms": payload.use_within_ms,
        "most_at_once": most_at_once(get_rate(credential), options["also"]),
    }
    granted = json_response(shown)
    granted["Cache-Control"] = "no-store"
    return granted


def limit_of_sync(credential: Credential, sync_id: UUID | None) -> tuple[str, Rate] | None:
    """The id and the own rate limit of the sync, if it has one. Raises 404 for a sync of another
    credential, 409 for a disabled one."""
    if sync_id is None:
        return None
    sync = Sync.objects.filter(credential=credential, pk=sync_id).first()
    if sync is None:
        raise ApiError(404, "There is no such sync of this credential.")
    if sync.disabled_at:
        raise ApiError(409, f"{sync} is disabled. Enable it, or stop its worker.")
    return (str(sync.pk), Rate(**sync.rate_limit)) if sync.rate_limit else None


@router.post("/{credential_id}/permits/release", response={200: Returned, **ANSWERS})
def give_permits_back(
    request: ApiRequest, credential_id: UUID, payload: Releases
) -> dict[str, Any]:
    """Give many back at once, and say how their calls ended."""
    credential = get_for_permits_or_404(request, credential_id)
    with unavailable_as_503():
        given = [each.release(credential, each.lease) for each in payload.releases]
        return {"live": limiter.release_all(credential, given)}


@router.delete("/{credential_id}/permits/{lease}", response={204: None, **ANSWERS})
def give_permit_back(
    request: ApiRequest,
    credential_id: UUID,
    ending: Query[Ending],
    lease: Annotated[str, Field(pattern=LEASE)],
) -> Status[None]:
    """Give one back. That it had ended before is no error."""
    credential = get_for_permits_or_404(request, credential_id)
    with unavailable_as_503():
        limiter.release_all(credential, [ending.release(credential, lease)])
    return Status(204, None)


def get_for_permits_or_404(request: ApiRequest, pk: UUID) -> Credential:
    """The credential with its rate limit, and the check of the API key, in one query.

    Raises 401, 403, 404, and 409 for a disabled one.
    """
    return get_checked_or_404(
        request, CREDENTIAL_WITH_LIMIT, pk, Scope.PERMITS, "it gives no permits"
    )


CREDENTIAL_WITH_LIMIT = prepare_lookup(
    "rate_limit",
    [f"rate_limit__{n}" for n in ("allowed_requests", "interval", "max_concurrent_requests")],
)


@contextmanager
def unavailable_as_503() -> Iterator[None]:
    """Raises 503 when the limiter's store can't be reached."""
    try:
        yield
    except Unavailable as error:
        raise ApiError(
            503,
            f"Permits can't be given just now, so nothing was granted. Try again. {error}",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        ) from None


long_polls = threading.BoundedSemaphore(settings.LONG_POLLS)


@contextmanager
def limit_wait(wait_ms: int) -> Iterator[int]:
    """How long a caller may wait, in ms. Long polls are limited, since each takes up a thread."""
    if not wait_ms:
        yield 0
    elif not long_polls.acquire(blocking=False):
        yield SHORT_WAIT_MS
    else:
        try:
            yield wait_ms
        finally:
            long_polls.release()
