"""When a request that has arrived begins, among those that a process works on.

Threads take turns at Python's one. The more of them work at once, the longer some wait at each
answer of the database: with 16 connections the slowest hundredth of the single reads took 1.8 times
the median when 13 worked, 1.7 with eight and 1.4 with four. Four are too few where the database is
far: 5 ms away they answered half as many requests.

Long ones, such as pages of a list, make way: where short ones come, one begins when no other is
young, and at each of its steps it lets another thread go on. Beside four readers of lists the
slowest hundredth of the single reads had taken ten times as long as alone; it takes two to three
times as long, and of the lists half are answered. Those of each length begin in their order.
"""

import time
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, TypeVar

Request = TypeVar("Request")
# Who takes longer waits for something, a database, a provider or a permit, and keeps nobody else
# waiting.
YOUNG_S = 0.005
# After a short one another may come.
LATELY_S = 0.02
# So much later a short one may have come that goes before a long one.
LONGEST_S = 0.05


class Admission(Generic[Request]):
    """Requests that wait, each with the time of its arrival, and those that have begun.

    Times are in seconds of any clock that never goes back. Used by one thread.
    """

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.short: deque[tuple[Request, float]] = deque()
        self.long: deque[tuple[Request, float]] = deque()
        self.last_short_at = -LATELY_S
        # When each began, the latest last.
        self.begun: dict[Request, float] = {}

    def arrive(self, request: Request, now: float, *, is_long: bool = False) -> None:
        queue = self.long if is_long else self.short
        queue.append((request, now))
        if not is_long:
            self.last_short_at = now

    def is_any_waiting(self) -> bool:
        return bool(self.short or self.long)

    def admit(self, now: float) -> Iterator[Request]:
        """Those that are to begin now."""
        while self.is_any_waiting():
            queue, most = self.choose(now)
            if self.count_young(now) >= most:
                return
            request, _ = queue.popleft()
            self.begun[request] = now
            yield request

    def choose(self, now: float) -> tuple[deque[tuple[Request, float]], int]:
        """The queue whose first is next, and beside fewer than how many young ones it begins."""
        if self.short and (not self.long or self.short[0][1] < self.long[0][1] + LONGEST_S):
            return self.short, self.at_once
        is_alone = self.makes_way(now) and now - self.long[0][1] < LONGEST_S
        return self.long, 1 if is_alone else self.at_once

    def makes_way(self, now: float) -> bool:
        """Whether a long one does, as short ones come."""
        return now - self.last_short_at < LATELY_S

    def end(self, request: Request) -> None:
        self.begun.pop(request, None)

    def count_young(self, now: float) -> int:
        ages = (now - began for began in reversed(self.begun.values()))
        return sum(1 for _ in takewhile(lambda age: age < YOUNG_S, ages))


_of_process: Admission[object] | None = None


def use_in_process(admission: Admission[object] | None) -> None:
    global _of_process
    _of_process = admission


def make_way() -> None:
    """Between two steps of a request that takes long: where short ones come, a thread that waits
    for Python's turn has it now, and not only when Python's switch interval has passed."""
    if _of_process and _of_process.makes_way(time.monotonic()):
        time.sleep(0)
