"""The quota of an API key: requests per minute, over all processes.

Each process takes a block of requests from the shared count and spends it in memory, so most
requests need no round trip. Blocks grow with the process's use and shrink with what remains, so
that nearly all of a limit can be used. Minutes are those of the store's clock; the rest of a block
is lost when its minute ends.
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
FIRST_BLOCK = 8


@dataclass(frozen=True)
class BudgetResult:
    """Result of one request. `remaining` is for all processes, as far as this one knows."""

    limit: int
    remaining: int
    resets_s: float
    refused: bool = False


class RequestBudget:
    """This process's share of a key's requests in `minute`; `ends` is on the monotonic clock.

    `left` are those of this process, `remaining` those still in the shared count, and `taken` is
    how many this process took.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.minute = self.left = self.remaining = self.taken = 0
        self.ends = 0.0

    def take_one(self) -> BudgetResult | None:
        """Count one request, or refuse it if none remain. None if another block is needed."""
        resets_s = self.ends - time.monotonic()
        if resets_s <= 0 or (self.remaining and not self.left):
            return None
        refused = not self.left
        self.left -= not refused
        return BudgetResult(self.limit, self.left + self.remaining, resets_s, refused)

    def add_block(self, block: Block, began: float) -> BudgetResult:
        """Add a block that was requested at `began` (monotonic), and count one request of it."""
        ends = began + block.left / MICROSECONDS
        if block.minute > self.minute:
            self.minute, self.left, self.taken, self.ends = block.minute, 0, 0, ends
        if block.minute == self.minute:
            self.remaining, self.ends = block.remaining, max(self.ends, ends)
            self.left += max(block.n - 1, 0)
            self.taken += block.n
        return BudgetResult(
            self.limit, self.left + block.remaining, ends - began, refused=not block.n
        )


_budgets: dict[UUID, RequestBudget] = {}
_lock = threading.Lock()
# A child process must not spend its parent's requests.
os.register_at_fork(after_in_child=_budgets.clear)


def count_request(key: ApiKey) -> BudgetResult:
    """Count one request of an API key, and say whether it is refused."""
    limit = key.allowed_per_minute
    with _lock:
        budget = _budgets.get(key.pk)
        if budget is None or budget.limit != limit:
            if len(_budgets) >= MOST_KNOWN:
                _budgets.clear()
            budget = _budgets[key.pk] = RequestBudget(limit)
        if result := budget.take_one():
            return result
        began = time.monotonic()
        most = budget.taken if budget.ends > began else 0
    block = take_block(key.pk, limit, max(most, FIRST_BLOCK))
    with _lock:
        return budget.add_block(block, began)


def take_block(pk: UUID, limit: int, most: int) -> Block:
    """Take a block from the shared count; in the database while Redis is unavailable."""
    try:
        return limiter.current_store().take_block(pk, limit, most)
    except Unavailable as error:
        log.warning("requests are counted in the database", error=str(error))
        return DatabaseStore().take_block(pk, limit, most)
