"""When a request that has arrived begins, among those that a process works on.

Threads take turns at Python's one. The more of them work at once, the longer some wait at each
answer of the database: with 16 connections the slowest hundredth of the single reads took 1.8 times
the median when 13 worked, 1.7 with eight and 1.4 with four. Four are too few where the database is
far: 5 ms away they answered half as many requests.
"""

from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, TypeVar

Request = TypeVar("Request")
# Who takes longer waits for something, a database, a provider or a permit, and keeps nobody else
# waiting.
YOUNG_S = 0.005


class Admission(Generic[Request]):
    """Requests in the order they arrived. Times are in seconds of any clock that never goes back.

    Used by one thread.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.waiting: deque[Request] = deque()
        # When each began, the latest last.
        self.begun: dict[Request, float] = {}

    def admit(self, now: float) -> Iterator[Request]:
        """Those that are to begin now, as long as fewer than `at_once` are young."""
        while self.waiting and self.count_young(now) < self.at_once:
            request = self.waiting.popleft()
            self.begun[request] = now
            yield request

    def end(self, request: Request) -> None:
        self.begun.pop(request, None)

    def count_young(self, now: float) -> int:
        ages = (now - began for began in reversed(self.begun.values()))
        return sum(1 for _ in takewhile(lambda age: age < YOUNG_S, ages))
