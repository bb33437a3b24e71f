"""Stores of the limiter's state, shared by all processes."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """The store can't be reached now. Nothing was granted; try again."""


@dataclass(frozen=True)
class Risk:
    """A sentence about the store, and whether permits are refused because of it."""

    sentence: str
    is_refused: bool


class Store(Protocol):
    """Each method may raise `Unavailable`; the database's `take_block()`: `DatabaseError`."""

    def acquire(
        self, key: UUID, request: LimiterRequest, releases: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        """Release `releases`, then grant or refuse, in one atomic step."""

    def release(self, key: UUID, releases: Sequence[LeaseRelease]) -> list[ReleaseResult]: ...

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        """The current use of each credential; None without any recent use."""

    def take_block(self, key: UUID, limit: int, most: int) -> Block:
        """Take up to `most` requests of what remains of an API key's `limit` in this minute."""

    def forget(self, scopes: Sequence[tuple[UUID, str]]) -> None:
        """Drop the state of credentials that go, each with a scope."""

    def risks(self) -> list[Risk]:
        """What may let it forget permits."""
