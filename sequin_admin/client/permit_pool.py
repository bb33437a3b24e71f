"""Permits for provider calls, requested from Sequin Admin one by one or in batches.

A permit may be used until some time after its start. Until the server knows when the call was made,
it counts the call at the end of that time. All times here err on the safe side, so that the calls
as they arrive at the provider, not only the permits, keep the limit. A permit that grew old before
its call, as the process was stopped or the connection took long, is given back and asked anew.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2

from sequin_admin.client.bounds import LONGEST_POLL_S, MOST_RELEASES
from sequin_admin.client.errors import SequinError, TryLater
from sequin_admin.client.plans import Plan

SLACK_S = 0.001
# No permits are available now, the API key has used its requests of this minute, or the server's
# database or the provider is away.
RETRYABLE = (429, 503)
LEAST_WAIT_S = 0.2
# How often a caller looks whether what another one asked for has come, and at the least.
FIRST_LOOK_S, LAST_LOOK_S = 0.002, 0.025
# Requests for permits of one pool at the same time, where each may be for several callers.
MOST_REQUESTS = 4
# So often permits may come too old before a caller whose patience has ended is told.
MOST_LATE = 5
TOO_LATE = (
    "Permits arrive here later than they may be used. Raise use_within_s, or look what slows this "
    "process and its requests to Sequin Admin."
)


@dataclass(frozen=True)
class Pace:
    """How permits are requested.

    `patience_s` is how long a call may wait for a permit, and as long again for a token. Permits
    are requested for all callers that wait, up to a tenth of the limit at once, and one by one
    where few calls may run at the same time. A `batch` requests so many at once, however many
    wait: each is used within `use_within_s` or released. A call is sent no later than `margin_s`
    before that, the time that it takes to the provider: raise both where the network is slow. Every
    permit counts towards `max_concurrent_requests`, so request no more than you use. `priority` is
    live, backfill or probe. With a `sync_id` that sync's own, narrower limit holds as well.
    """

    priority: str = "live"
    patience_s: float = 60.0
    batch: int | None = None
    use_within_s: float = 1.0
    margin_s: float = 0.1
    lease_s: float = 120.0
    sync_id: str | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` where no permit could be used."""
        if not 0 <= self.margin_s < self.use_within_s:
            raise ValueError(
                f"margin_s is {self.margin_s:g} and use_within_s {self.use_within_s:g}, so every "
                "permit would be too old. Make use_within_s longer than margin_s."
            )


@dataclass
class Permit:
    """Permission for one call, to be sent from `began` to `ends` (monotonic, seconds).

    `lease` is empty once it was given back.
    """

    lease: str
    began: float
    ends: float
    ending: dict[str, Any] = field(default_factory=lambda: {"outcome": "ok"})

    @property
    def is_old(self) -> bool:
        return self.ends <= time.monotonic() + SLACK_S

    def arrived(self) -> None:
        """Record that the provider has received the call; otherwise the release counts as that."""
        self.ending["used_ms"] = (time.monotonic() - self.began) * 1000

    def throttled(self, retry_after_s: float | None = None) -> None:
        """Record that the provider throttled the call; all callers pause for `retry_after_s`."""
        self.ending["outcome"] = "throttled"
        if retry_after_s is not None:
            self.ending["retry_after_ms"] = retry_after_s * 1000

    def failed(self) -> None:
        self.ending["outcome"] = "failed"

    def unused(self) -> dict[str, Any]:
        return {"lease": self.lease, "outcome": "unused"}

    def given(self) -> dict[str, Any]:
        if "used_ms" not in self.ending:
            self.arrived()
        return {"lease": self.lease, **self.ending}


class PermitPool:
    """Unused permits of this process, and releases to send with the next request.

    `post(ending, body)` posts to `/v1/credentials/{id}/permits` + `ending` and raises as `token()`;
    `sleep` waits so many seconds. For asyncio both are awaited.
    """

    def __init__(
        self, post: Callable[..., object], sleep: Callable[[float], object], pace: Pace
    ) -> None:
        self.post, self.sleep, self.pace = post, sleep, pace
        self.lock = threading.Lock()
        self.drawn: list[Permit] = []
        self.back: list[dict[str, Any]] = []
        self.out = 0
        # Callers without a permit, requests for permits under way, and what they ask for.
        self.waiting = self.requests = self.asked = 0
        # As the server said last.
        self.most = 1

    def pop(self) -> Permit | None:
        """A permit that is still valid, or None. Expired ones are released as unused."""
        with self.lock:
            self.sort_out()
            if not self.drawn:
                return None
            self.out += 1
            return self.drawn.pop(0)

    def sort_out(self) -> None:
        late = [permit for permit in self.drawn if permit.is_old]
        self.drawn = [permit for permit in self.drawn if permit not in late]
        self.back += [permit.unused() for permit in late]

    def put_back(self, permit: Permit) -> bool:
        """Queue the release; return whether to send it now rather than with the next request."""
        with self.lock:
            if not permit.lease:
                return False
            self.out -= 1
            self.back.append(permit.given())
            return len(self.back) >= (self.pace.batch or 1) or not (self.drawn or self.out)

    def returns(self, *, all: bool = False) -> list[dict[str, Any]]:
        with self.lock:
            self.sort_out()
            if all:
                self.back += [permit.unused() for permit in self.drawn]
                self.drawn = []
            taken, self.back = self.back[:MOST_RELEASES], self.back[MOST_RELEASES:]
            return taken

    def keep(self, returns: list[dict[str, Any]]) -> None:
        """Queue releases again that could not be sent."""
        with self.lock:
            self.back = [*returns, *self.back]

    def reserve(self, left_s: float) -> int:
        """How many permits to ask for; 0 while enough are asked for."""
        with self.lock:
            wanted = self.pace.batch or 1
            if not self.pace.batch and self.most > 1 and left_s > 0:
                missing = self.waiting - self.asked - len(self.drawn)
                wanted = min(missing, self.most) if self.requests < MOST_REQUESTS else 0
            if wanted <= 0:
                return 0
            self.asked, self.requests = self.asked + wanted, self.requests + 1
            return wanted

    def ask(
        self, n: int, left_s: float, ticket: str, returns: list[dict[str, Any]]
    ) -> dict[str, Any]:
        return {
            "n": n,
            "priority": self.pace.priority,
            "sync_id": self.pace.sync_id,
            "wait_ms": int(min(max(left_s, 0), LONGEST_POLL_S) * 1000),
            "use_within_ms": int(self.pace.use_within_s * 1000),
            "lease_ms": int(self.pace.lease_s * 1000),
            "ticket": ticket,
            "releases": returns,
        }

    def fill(self, answer: dict[str, Any], asked: float) -> None:
        """Add the permits of a response; `asked` is when it was requested (monotonic, seconds)."""
        began = asked + (answer["took_ms"] - answer["age_ms"]) / 1000
        ends = began + answer["use_within_ms"] / 1000 - self.pace.margin_s
        with self.lock:
            self.drawn += [Permit(lease, began, ends) for lease in answer["leases"]]
            self.most = answer.get("most_at_once", 1)

    def taking(self) -> Plan[Permit]:
        """Wait up to `patience_s` for a permit, then raise `TryLater`."""
        with self.lock:
            self.waiting += 1
        try:
            return (yield from self.asking(time.monotonic() + self.pace.patience_s))
        finally:
            with self.lock:
                self.waiting -= 1

    def asking(self, ends: float) -> Plan[Permit]:
        """Ask until there is a permit, or look for what others have asked for."""
        ticket, late, look_s = "", 0, FIRST_LOOK_S
        while (permit := self.pop()) is None:
            asked = time.monotonic()
            n = self.reserve(ends - asked)
            if not n:
                yield partial(self.sleep, look_s)
                look_s = min(look_s * 1.5, LAST_LOOK_S)
                continue
            returns, error = self.returns(), None
            try:
                response = yield partial(self.post, "", self.ask(n, ends - asked, ticket, returns))
                if response.status_code == 200:
                    self.fill(response.json(), asked)
            except SequinError as refusal:
                error = refusal
            finally:
                with self.lock:
                    self.asked, self.requests = self.asked - n, self.requests - 1
            if error:
                self.keep(returns)
                yield from self.resting(retry_wait_s(error, ends))
            elif response.status_code == 200:
                self.release_unused_later()
                late += self.came_late()
                if late >= MOST_LATE and time.monotonic() > ends:
                    raise TryLater(TOO_LATE)
            else:
                ticket, wait_s = read_ticket(response, ends)
                yield from self.resting(wait_s)
        return permit

    def resting(self, wait_s: float) -> Plan[None]:
        """Wait without a permit being asked for meanwhile: it might grow old."""
        with self.lock:
            self.waiting -= 1
        try:
            yield partial(self.sleep, wait_s)
        finally:
            with self.lock:
                self.waiting += 1

    def came_late(self) -> bool:
        """Whether permits came, and all are too old. Without any, another thread was quicker."""
        with self.lock:
            return bool(self.drawn) and all(permit.is_old for permit in self.drawn)

    def renewing(self, permit: Permit) -> Plan[None]:
        """Exchange a permit that grew old before its call. Raises as `taking()`."""
        while permit.is_old:
            with self.lock:
                self.out -= bool(permit.lease)
                self.back += [permit.unused()] if permit.lease else []
                permit.lease = ""
            fresh = yield from self.taking()
            permit.lease, permit.began, permit.ends = fresh.lease, fresh.began, fresh.ends

    def giving(self, permit: Permit) -> Plan[None]:
        """Release the permit, now or with the next request."""
        if self.put_back(permit):
            yield from self.flushing()

    def flushing(self, *, all: bool = False) -> Plan[None]:
        """Send queued releases. A permit whose release is not sent ends with its lease."""
        if returns := self.returns(all=all):
            try:
                yield partial(self.post, "/release", {"releases": returns})
            except SequinError:
                self.keep(returns)

    def release_unused_later(self) -> None:
        """Release what is left of a batch after `use_within_s`, even without another call."""
        raise NotImplementedError


def retry_wait_s(error: SequinError, ends: float) -> float:
    """Seconds to wait before the retry. Raises `error` when it is final or the wait too long."""
    if not (isinstance(error, TryLater) and error.status in RETRYABLE):
        raise error
    wait_s = max(error.retry_after_s, LEAST_WAIT_S)
    if time.monotonic() + wait_s > ends:
        raise error
    return wait_s


def read_ticket(response: httpx2.Response, ends: float) -> tuple[str, float]:
    """The queue ticket, and seconds to wait. Raises `TryLater` when the wait is too long."""
    said = response.json()
    wait_s = said["retry_after_ms"] / 1000
    if time.monotonic() + wait_s > ends:
        raise TryLater(said["summary"], response.status_code, retry_after_s=wait_s)
    return said["ticket"], wait_s
