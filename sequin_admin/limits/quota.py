"""How many requests an API key may send in a minute, over all processes together.

Each process takes a small block from the shared count and spends it from memory, so most requests
ask nobody. Blocks grow with what the process uses and shrink with what is left, so that a quiet
process keeps little from the others, and nearly all of a limit can be used. A minute is one of the
store's clock; what is left of a block when it ends is lost.
"""

import os
import threading
import time
from dataclasses import dataclass
from uuid import UUID

import structlog

from sequin_admin.access.models import ApiKey
from sequin_admin.limits import limiter
from sequin_admin.limits.requests import Block
from sequin_admin.limits.stores import Unavailable
from sequin_admin.limits.stores.database import DatabaseStore

log = structlog.get_logger(__name__)
MICROSECONDS = 1_000_000
MOST_KNOWN = 10_000
FIRST = 8


@dataclass(frozen=True)
class BudgetResult:
    """What came of one request, and what is left: for all processes, as far as this one knows."""

    limit: int
    remaining: int
    resets_s: float
    refused: bool = False


class RequestBudget:
    """What this process has of a key's requests in a minute, which ends at a monotonic time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.minute = self.left = self.rest = self.taken = 0
        self.ends = 0.0

    def pay(self) -> BudgetResult | None:
        """One request; a refusal when nobody has any; None when another block is needed."""
        resets_s = self.ends - time.monotonic()
        if resets_s <= 0 or (self.rest and not self.left):
            return None
        refused = not self.left
        self.left -= not refused
        return BudgetResult(self.limit, self.left + self.rest, resets_s, refused)

    def fill(self, block: Block, began: float) -> BudgetResult:
        """Put in a block that was asked for when it `began`, less one request."""
        ends = began + block.left / MICROSECONDS
        if block.minute > self.minute:
            self.minute, self.left, self.taken, self.ends = block.minute, 0, 0, ends
        if block.minute == self.minute:
            self.rest, self.ends = block.rest, max(self.ends, ends)
            self.left += max(block.n - 1, 0)
            self.taken += block.n
        return BudgetResult(self.limit, self.left + block.rest, ends - began, refused=not block.n)


_purses: dict[UUID, RequestBudget] = {}
_lock = threading.Lock()
# A child process does not spend what its parent took.
os.register_at_fork(after_in_child=_purses.clear)


def spend(key: ApiKey) -> BudgetResult:
    """Count one request."""
    limit = key.allowed_per_minute
    with _lock:
        purse = _purses.get(key.pk)
        if purse is None or purse.limit != limit:
            if len(_purses) >= MOST_KNOWN:
                _purses.clear()
            purse = _purses[key.pk] = RequestBudget(limit)
        if spent := purse.pay():
            return spent
        began = time.monotonic()
        most = purse.taken if purse.ends > began else 0
    block = draw(key.pk, limit, max(most, FIRST))
    with _lock:
        return purse.fill(block, began)


def draw(pk: UUID, limit: int, most: int) -> Block:
    """A block from the shared count. While Redis is away, from the one in the database."""
    try:
        return limiter.current_store().draw(pk, limit, most)
    except Unavailable as error:
        log.warning("requests are counted in the database", error=str(error))
        return DatabaseStore().draw(pk, limit, most)
