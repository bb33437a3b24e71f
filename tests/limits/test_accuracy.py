"""Eight processes at full demand: the limit holds, and nearly all of it is used."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter
from sequin_admin.limits.models import set_limit
from sequin_admin.limits.permits import PermitRefused
from tests.factories import make_credential
from tests.patience import PATIENCE_S
from tests.tokens.test_processes import database_url

PROCESSES = 8
LEAST_USE, TRIES = 0.98, 4
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]


# Redis counts alike beside either database, and is asked beside SQLite.
STORES = ["database"] if connection.vendor == "postgresql" else ["database", "redis"]


@pytest.fixture(params=STORES)
def store(request, settings):
    if request.param == "redis":
        settings.REDIS_URL = request.getfixturevalue("redis_server").url
    return request.param


@pytest.fixture
def hammers(store):
    """Start processes for one credential. Returns their parent process."""
    started = []

    def start(credential, for_s, *, hold_ms=1, shifts=(0,) * PROCESSES, **options):
        connection.close()
        told = [str(credential.pk), for_s, hold_ms, shifts, options]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.limits.hammer", *map(json.dumps, told)],
            cwd=ROOT,
            env={
                **inherited(),
                "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
                "DATABASE_URL": database_url(),
                "REDIS_URL": settings.REDIS_URL,
                "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def make(organization, allowed, interval, at_once):
    credential = make_credential(organization, "stripe_key", identity=uuid.uuid4().hex)
    rate = Rate(allowed_requests=allowed, interval=interval, max_concurrent_requests=at_once)
    set_limit(credential, rate, actor=None)
    return credential


def records(parent):
    """The lines that the processes wrote until they ended."""
    output, errors = parent.communicate(timeout=PATIENCE_S)
    assert parent.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines()]


class Machine:
    """What others take of the machine's time from now on: our ended children do not count."""

    def __init__(self):
        self.began, self.busy, self.ours = time.monotonic(), *self.used_s()

    def used_s(self):
        jiffies = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        idle = jiffies[3]
        ours = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (sum(jiffies) - idle) / os.sysconf("SC_CLK_TCK"), ours.ru_utime + ours.ru_stime

    def taken(self):
        """From 0, nothing, to 1."""
        busy, ours = self.used_s()
        others_s = (busy - self.busy) - (ours - self.ours)
        return min(max(others_s / (time.monotonic() - self.began) / os.cpu_count(), 0), 1)


def most_in_a_window(starts, interval_ms):
    """The largest number of starts in any window, from times in µs."""
    starts = sorted(starts)
    return max(
        sum(start <= other < start + interval_ms * 1000 for other in starts) for start in starts
    )


def most_at_once(spans):
    steps = sorted([(began, 1) for began, _ in spans] + [(done, -1) for _, done in spans])
    count = [0]
    for _, step in steps:
        count.append(count[-1] + step)
    return max(count)


@pytest.mark.parametrize(
    ("allowed", "interval", "at_once", "for_s", "hold_ms"),
    [
        (20, 1000, 0, 4, 1),
        (1, 100, 1, 5, 5),
        (100, 10_000, 10, 11, 5),
        (50, 5_000, 5, 11, 20),
    ],
)
def test_the_limit_holds_and_is_used(
    hammers, organization, allowed, interval, at_once, for_s, hold_ms
):
    """The processes' clocks differ by minutes, which must not matter."""
    shifts = [(-1) ** i * 97 * i for i in range(PROCESSES)]
    used = taken = 0.0
    # The limit is asserted in each try, the usage in the first try without disturbance.
    for _ in range(TRIES):
        credential = make(organization, allowed, interval, at_once)
        machine = Machine()
        rows = records(hammers(credential, for_s, hold_ms=hold_ms, shifts=shifts))
        taken = machine.taken()

        starts = [start for _, start, _, _ in rows]
        assert most_in_a_window(starts, interval) <= allowed
        if at_once:
            spans = [(began, done) for _, _, began, done in rows]
            assert most_at_once(spans) <= at_once
        # The last window may be incomplete; all before it are full.
        windows = for_s * 1000 // interval
        in_time = [start for start in starts if start < min(starts) + windows * interval * 1000]
        used = len(in_time) / (allowed * windows)
        if used >= LEAST_USE:
            break

    # Processes without processor time cannot ask in time.
    assert used >= LEAST_USE * (1 - taken)
    # All processes share one queue; one that is scheduled late stands further back.
    counts = Counter(number for number, *_ in rows)
    least = len(rows) / PROCESSES / 2 * (1 - taken)
    assert min(counts[number] for number in range(PROCESSES)) >= least


def test_a_killed_holder_frees_its_place_when_its_lease_ends(hammers, organization):
    credential = make(organization, 1000, 1000, 1)
    parent = hammers(credential, 60, hold_ms=60_000, shifts=[0], lease_ms=8000)
    (child,) = json.loads(parent.stderr.readline())
    while not count_under_way(credential):
        assert parent.poll() is None
    os.kill(child, signal.SIGKILL)

    with pytest.raises(PermitRefused):
        limiter.acquire(credential)
    grant = limiter.acquire(credential, wait_ms=60_000)

    assert len(grant.leases) == 1
    assert parent.wait(PATIENCE_S) == 1


def count_under_way(credential):
    """Without asking for a permit: who then waits in the queue is refused to others, too."""
    (gauge,) = limiter.current_store().gauges([credential.pk], [1000])
    return gauge.under_way if gauge else 0


def test_what_is_used_late_counts_when_it_is_used(hammers, organization):
    """With `use_within_ms` the calls themselves keep the limit, not only the permits."""
    credential = make(organization, 20, 500, 0)
    machine = Machine()

    rows = records(hammers(credential, 4, hold_ms=3, n=5, use_within_ms=100))

    assert most_in_a_window([began for _, _, began, _ in rows], 500) <= 20
    # Processes without processor time come too late to use what they were given.
    assert len(rows) > 20 * 4 * (1 - machine.taken())
