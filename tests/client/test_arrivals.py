"""The limit as the provider sees it: arrivals at the simulator, in every sliding window."""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits.models import set_limit
from tests.client.caller import PACE, PATH
from tests.limits.test_accuracy import Machine, most_in_a_window

RATE = Rate(allowed_requests=20, interval=10_000, max_concurrent_requests=0)
WINDOWS, LEAST_USE = 2, 0.95
FOR_S = WINDOWS * RATE.interval / 1000 + 2
TRIES = 2
CLOCKS_S = (-30, 0, 30)


@pytest.fixture
def callers(live_server, api_key, in_redis):
    """Start processes of workers for a credential, the first of which stops itself."""
    started = []

    def start(pk):
        for number, shift_s in enumerate(CLOCKS_S):
            options = [live_server.url, api_key, pk, FOR_S, shift_s, number == 0]
            command = [sys.executable, "-m", "tests.client.caller", *map(str, options)]
            started.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=inherited(), stdout=subprocess.PIPE, text=True
                )
            )
        return started[-len(CLOCKS_S) :]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def let_go_on_when_its_permit_is_old(process):
    """When others have taken the place of its permit, which has left the window."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    time.sleep(PACE.use_within_s + RATE.interval / 1000 + 1)
    process.send_signal(signal.SIGCONT)


@pytest.mark.faults
def test_no_window_sees_more_than_allowed_and_nearly_all_is_used(callers, connected, simulated):
    """With clocks 30 s apart, and a worker that is stopped while it holds a permit."""
    row = connected("hubspot_oauth2")
    set_limit(row, RATE, actor=None)
    used = taken = 0.0
    # The limit is asserted in each try, the usage in the first try without disturbance.
    for _ in range(TRIES):
        before, machine = len(arrivals(simulated)), Machine()
        processes = callers(row.pk)
        let_go_on_when_its_permit_is_old(processes[0])
        assert [process.wait(60) for process in processes] == [0, 0, 0]
        taken = machine.taken()

        seen = arrivals(simulated)[before:]
        assert most_in_a_window(seen, RATE.interval) <= RATE.allowed_requests
        in_time = [at for at in seen if at < seen[0] + WINDOWS * RATE.interval * 1000]
        used = len(in_time) / (RATE.allowed_requests * WINDOWS)
        print(f"{most_in_a_window(seen, RATE.interval)} of {RATE.allowed_requests}, {used:.1%}")
        if used >= LEAST_USE:
            break

    # Processes without processor time cannot call in time.
    assert used >= LEAST_USE * (1 - taken)


def arrivals(simulated):
    """When calls arrived at the simulator, in µs."""
    calls = [call for call in simulated.calls("hubspot") if PATH in call["endpoint"]]
    return sorted(round(datetime.fromisoformat(c["at"]).timestamp() * 1e6) for c in calls)
