"""When a request that has arrived begins, among those that a process works on.

Threads share the one that runs Python. All at once, each waits for the others at every answer of
the database, and some far longer than most: with 16 connections the slowest hundredth of the
single reads took 2.4 times the median, with four at once 1.6 to 1.8 times, and the process answered
up to a tenth more.
"""

from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, TypeVar

Request = TypeVar("Request")
AT_ONCE = 4
# Who takes longer waits for something, a database, a provider or a permit, and keeps nobody else
# waiting: at least 800 begin in a second, whatever they wait for.
YOUNG_S = 0.005


class Admission(Generic[Request]):
    """Requests in the order they arrived. Times are in seconds of any clock that never goes back.

    Used by one thread.
    """

    def __init__(self) -> None:
        self.waiting: deque[Request] = deque()
        # When each began, the latest last.
        self.begun: dict[Request, float] = {}

    def admit(self, now: float) -> Iterator[Request]:
        """Those that are to begin now, as long as fewer than `AT_ONCE` are young."""
        while self.waiting and self.count_young(now) < AT_ONCE:
            request = self.waiting.popleft()
            self.begun[request] = now
            yield request

    def end(self, request: Request) -> None:
        self.begun.pop(request, None)

    def count_young(self, now: float) -> int:
        ages = (now - began for began in reversed(self.begun.values()))
        return sum(1 for _ in takewhile(lambda age: age < YOUNG_S, ages))
