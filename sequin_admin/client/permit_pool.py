"""Permits for provider calls, requested from Sequin Admin one by one or in batches.

A permit may be used until some time after its start. Until the server knows when the call was made,
it counts the call at the end of that time. All times here err on the safe side, so that the calls
themselves, not only the permits, keep the limit.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx2

from sequin_admin.client.errors import SequinError, TryLater

LONGEST_POLL_S = 10.0
SLACK_S = 0.001
# No permits are available now, the API key has used its requests of this minute, or the server's
# database or the provider is away.
RETRYABLE = (429, 503)
LEAST_WAIT_S = 0.2


@dataclass(frozen=True)
class Pace:
    """How permits are requested.

    `patience_s` is how long a call may wait for a permit, and as long again for a token. A `batch`
    saves requests: up to so many permits are requested at once, and each is used within
    `use_within_s` or released. Every permit counts towards `max_concurrent_requests`, so request no
    more than you use. `priority` is live, backfill or probe. With a `sync_id` that sync's own,
    narrower limit holds as well.
    """

    priority: str = "live"
    patience_s: float = 60.0
    batch: int = 1
    use_within_s: float = 1.0
    lease_s: float = 120.0
    sync_id: str | None = None


@dataclass
class Permit:
    """Permission for one call. It may be used from `began` to `ends` (monotonic, seconds)."""

    lease: str
    began: float
    ends: float
    ending: dict[str, Any] = field(default_factory=lambda: {"outcome": "ok"})

    def arrived(self) -> None:
        """Record that the provider has received the call; otherwise the release counts as that."""
        self.ending["used_ms"] = (time.monotonic() - self.began) * 1000

    def throttled(self, retry_after_s: float | None = None) -> None:
        """Record that the provider throttled the call; all callers pause for `retry_after_s`."""
        self.ending["outcome"] = "throttled"
        if retry_after_s is not None:
            self.ending["retry_after_ms"] = retry_after_s * 1000

    def given(self) -> dict[str, Any]:
        if "used_ms" not in self.ending:
            self.arrived()
        return {"lease": self.lease, **self.ending}


class PermitPool:
    """Unused permits of this process, and releases to send with the next request."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.lock = threading.Lock()
        self.drawn: list[Permit] = []
        self.back: list[dict[str, Any]] = []
        self.out = 0

    def pop(self) -> Permit | None:
        """A permit that is still valid, or None. Expired ones are released as unused."""
        with self.lock:
            self.sort_out()
            if not self.drawn:
                return None
            self.out += 1
            return self.drawn.pop(0)

    def sort_out(self) -> None:
        now = time.monotonic() + SLACK_S
        late = [permit for permit in self.drawn if permit.ends <= now]
        self.drawn = [permit for permit in self.drawn if permit.ends > now]
        self.back += [{"lease": permit.lease, "outcome": "unused"} for permit in late]

    def put_back(self, permit: Permit) -> bool:
        """Queue the release; return whether to send it now rather than with the next request."""
        with self.lock:
            self.out -= 1
            self.back.append(permit.given())
            return len(self.back) >= self.pace.batch or not (self.drawn or self.out)

    def returns(self, *, all: bool = False) -> list[dict[str, Any]]:
        with self.lock:
            self.sort_out()
            if all:
                self.back += [{"lease": p.lease, "outcome": "unused"} for p in self.drawn]
                self.drawn = []
            taken, self.back = self.back[:1000], self.back[1000:]
            return taken

    def keep(self, returns: list[dict[str, Any]]) -> None:
        """Queue releases again that could not be sent."""
        with self.lock:
            self.back = [*returns, *self.back]

    def ask(self, left_s: float, ticket: str, returns: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "n": self.pace.batch,
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
        ends = began + answer["use_within_ms"] / 1000
        with self.lock:
            self.drawn += [Permit(lease, began, ends) for lease in answer["leases"]]


class SendsPermits(Protocol):
    """Posts `body` to `/v1/credentials/{id}/permits` + `ending`. Raises as `token()`."""

    def __call__(self, ending: str, body: dict[str, Any]) -> httpx2.Response: ...


class SendsPermitsAsync(Protocol):
    async def __call__(self, ending: str, body: dict[str, Any]) -> httpx2.Response: ...


class Permits(PermitPool):
    """Permits of one credential for the threads of one process."""

    def __init__(self, ask: SendsPermits, pace: Pace) -> None:
        super().__init__(pace)
        self.post = ask
        # Held while our timer thread sends unused permits; the client must not close meanwhile.
        self.sending, self.closed = threading.Lock(), False

    def take(self) -> Permit:
        """Wait up to `patience_s` for a permit, then raise `TryLater`."""
        ticket, ends = "", time.monotonic() + self.pace.patience_s
        while (permit := self.pop()) is None:
            asked = time.monotonic()
            returns = self.returns()
            try:
                response = self.post("", self.ask(ends - asked, ticket, returns))
            except SequinError as error:
                self.keep(returns)
                time.sleep(retry_wait_s(error, ends))
                continue
            if response.status_code == 200:
                self.fill(response.json(), asked)
                self.release_unused_later()
            else:
                ticket, wait_s = read_ticket(response, ends)
                time.sleep(wait_s)
        return permit

    def give(self, permit: Permit) -> None:
        """Release the permit, now or with the next request."""
        if self.put_back(permit):
            self.flush()

    def flush(self, *, all: bool = False) -> None:
        """Send queued releases. A permit whose release is not sent ends with its lease."""
        if returns := self.returns(all=all):
            try:
                self.post("/release", {"releases": returns})
            except SequinError:
                self.keep(returns)

    def release_unused_later(self) -> None:
        """Release what is left of a batch after `use_within_s`, even without another call."""
        if self.pace.batch > 1:
            timer = threading.Timer(self.pace.use_within_s + SLACK_S, self.release_unused)
            timer.daemon = True
            timer.start()

    def release_unused(self) -> None:
        with self.sending:
            if not self.closed:
                self.flush()

    def close(self) -> None:
        """Release all permits. Nothing is sent afterwards."""
        with self.sending:
            self.closed = True
            self.flush(all=True)

    @contextmanager
    def permit(self) -> Iterator[Permit]:
        permit = self.take()
        try:
            yield permit
        except BaseException:
            permit.ending["outcome"] = "failed"
            raise
        finally:
            self.give(permit)


class AsyncPermits(PermitPool):
    """`Permits` for asyncio."""

    def __init__(self, ask: SendsPermitsAsync, pace: Pace) -> None:
        super().__init__(pace)
        self.post = ask
        self.later: asyncio.Task[None] | None = None

    async def take(self) -> Permit:
        ticket, ends = "", time.monotonic() + self.pace.patience_s
        while (permit := self.pop()) is None:
            asked = time.monotonic()
            returns = self.returns()
            try:
                response = await self.post("", self.ask(ends - asked, ticket, returns))
            except SequinError as error:
                self.keep(returns)
                await asyncio.sleep(retry_wait_s(error, ends))
                continue
            if response.status_code == 200:
                self.fill(response.json(), asked)
                self.release_unused_later()
            else:
                ticket, wait_s = read_ticket(response, ends)
                await asyncio.sleep(wait_s)
        return permit

    async def give(self, permit: Permit) -> None:
        if self.put_back(permit):
            await self.flush()

    async def flush(self, *, all: bool = False) -> None:
        if returns := self.returns(all=all):
            try:
                await self.post("/release", {"releases": returns})
            except SequinError:
                self.keep(returns)

    def release_unused_later(self) -> None:
        if self.pace.batch > 1 and (self.later is None or self.later.done()):
            self.later = asyncio.create_task(self.flush_later())

    async def close(self) -> None:
        if self.later:
            self.later.cancel()
        await self.flush(all=True)

    async def flush_later(self) -> None:
        while self.drawn:
            await asyncio.sleep(self.pace.use_within_s + SLACK_S)
            await self.flush()

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[Permit]:
        permit = await self.take()
        try:
            yield permit
        except BaseException:
            permit.ending["outcome"] = "failed"
            raise
        finally:
            await self.give(permit)


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
