"""Permits of one credential for the threads of a process, and the same for asyncio."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2

from sequin_admin.client.permit_pool import SLACK_S, Pace, Permit, PermitPool
from sequin_admin.client.plans import run, run_async

__all__ = ["AsyncPermits", "Pace", "Permit", "Permits"]


class Permits(PermitPool):
    """Permits of one credential for the threads of one process."""

    def __init__(self, post: Callable[[str, dict[str, Any]], httpx2.Response], pace: Pace) -> None:
        super().__init__(post, time.sleep, pace)
        # Held while our timer thread sends unused permits; the client must not close meanwhile.
        self.sending, self.closed = threading.Lock(), False
        # Since when each caller without a permit waits (monotonic).
        self.callers: list[float] = []

    def take(self) -> Permit:
        """Wait up to `patience_s` for a permit, then raise `TryLater`."""
        began = time.monotonic()
        self.callers.append(began)
        try:
            return run(self.taking())
        finally:
            self.callers.remove(began)

    def waited_s(self) -> float:
        """How long the caller has waited that waits longest."""
        now = time.monotonic()
        return now - min([now, *self.callers])

    def renew(self, permit: Permit) -> None:
        """Exchange a permit that grew old before its call."""
        run(self.renewing(permit))

    def give(self, permit: Permit) -> None:
        """Release the permit, now or with the next request."""
        run(self.giving(permit))

    def release_unused_later(self) -> None:
        if len(self.drawn) > 1:
            timer = threading.Timer(self.pace.use_within_s + SLACK_S, self.release_unused)
            timer.daemon = True
            timer.start()

    def release_unused(self) -> None:
        with self.sending:
            if not self.closed:
                run(self.flushing())

    def release_drawn(self) -> None:
        """Release the permits that no call has taken."""
        with self.sending:
            if not self.closed:
                run(self.flushing(all=True))

    def close(self) -> None:
        """Release all permits. Nothing is sent afterwards."""
        with self.sending:
            self.closed = True
            run(self.flushing(all=True))

    @contextmanager
    def permit(self) -> Iterator[Permit]:
        permit = self.take()
        try:
            yield permit
        except BaseException:
            permit.failed()
            raise
        finally:
            self.give(permit)


class AsyncPermits(PermitPool):
    """`Permits` for asyncio."""

    def __init__(
        self, post: Callable[[str, dict[str, Any]], Awaitable[httpx2.Response]], pace: Pace
    ) -> None:
        super().__init__(post, asyncio.sleep, pace)
        self.later: asyncio.Task[None] | None = None

    async def take(self) -> Permit:
        return await run_async(self.taking())

    async def renew(self, permit: Permit) -> None:
        await run_async(self.renewing(permit))

    async def give(self, permit: Permit) -> None:
        await run_async(self.giving(permit))

    def release_unused_later(self) -> None:
        if len(self.drawn) > 1 and (self.later is None or self.later.done()):
            self.later = asyncio.create_task(self.flush_later())

    async def flush_later(self) -> None:
        while self.drawn:
            await asyncio.sleep(self.pace.use_within_s + SLACK_S)
            await run_async(self.flushing())

    async def close(self) -> None:
        if self.later:
            self.later.cancel()
        await run_async(self.flushing(all=True))

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[Permit]:
        permit = await self.take()
        try:
            yield permit
        except BaseException:
            permit.failed()
            raise
        finally:
            await self.give(permit)
