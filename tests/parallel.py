"""One thing done a hundred times at once, by threads with database connections of their own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection, connections

from tests.patience import PATIENCE_S

USES, AT_ONCE = 100, 40


def in_parallel(use: Callable[..., Any], each: Sequence[Any] = range(USES)) -> list[Any]:
    """The results of `use` for each of a hundred values. The first forty start together."""
    together = Barrier(AT_ONCE)

    def run(number: int) -> Any:
        if number < AT_ONCE:
            together.wait(PATIENCE_S)
        try:
            return use(each[number])
        finally:
            connections.close_all()

    connection.close()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(len(each))))
