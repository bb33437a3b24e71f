"""Where the state of every credential is kept: one place for a whole fleet of processes."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from sequin_admin.limits.requests import (
    Block,
    Gauge,
    LeaseRelease,
    LimiterRequest,
    LimiterResponse,
    ReleaseResult,
)


class Unavailable(Exception):
    """The store can't be asked just now. Nothing was granted; try again."""


class Store(Protocol):
    """Every method may raise `Unavailable`."""

    def acquire(
        self, key: UUID, ask: LimiterRequest, backs: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        """Decide in one atomic step, after `backs` came back."""

    def release(self, key: UUID, backs: Sequence[LeaseRelease]) -> list[ReleaseResult]: ...

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        """What is going on with each credential now; None where nothing was lately."""

    def draw(self, key: UUID, limit: int, most: int) -> Block:
        """Up to `most` of what is left of an API key's `limit` in this minute, never beyond it."""
