"""What PostgreSQL's connections wait for while something runs, as samples of `pg_stat_activity`."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

SAMPLE_EVERY_S = 0.01
# Idle in a transaction, or between two: the process computes, or waits for a core to do so.
KINDS = """
    SELECT CASE WHEN wait_event_type = 'Lock' THEN 'lock'
                WHEN state LIKE 'idle%%' THEN 'process'
                WHEN wait_event_type IS NULL THEN 'query'
                ELSE 'other' END
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> ALL(%s)
"""


@contextmanager
def sampled() -> Iterator[Counter[str]]:
    """Count, of the connections that others open in the block, what each does at each sample: it
    waits for a lock, runs a query, waits for its process, or does other things."""
    stop, found = threading.Event(), Counter[str]()
    mine = [own_pid()]

    def sample() -> None:
        mine.append(own_pid())
        try:
            while not stop.wait(SAMPLE_EVERY_S):
                with connection.cursor() as cursor:
                    cursor.execute(KINDS, [mine])
                    found.update(kind for (kind,) in cursor.fetchall())
        finally:
            connection.close()

    thread = threading.Thread(target=sample)
    if connection.vendor == "postgresql":
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        if thread.is_alive():
            thread.join()


def own_pid() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def shares(found: Counter[str]) -> dict[str, float]:
    return {kind: round(count / found.total(), 2) for kind, count in sorted(found.items())}


def cpu_times() -> tuple[int, int]:
    """What all cores were busy and were there, since the start of the machine. Zeros where the
    system does not say."""
    try:
        times = [int(text) for text in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except OSError:
        return 0, 0
    return sum(times) - times[3] - times[4], sum(times)


def busy_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return round((after[0] - before[0]) / max(1, after[1] - before[1]), 2)
