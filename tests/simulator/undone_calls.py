"""Calls that fail after they have counted and changed something, within one process."""

import json
from contextlib import suppress
from datetime import timedelta

from tests.simulator.hot_calls import start


class FailedError(Exception):
    """What a call fails with."""


def count_after_undone_call() -> list[int]:
    """Hits that calls count: of three that succeed, and after one that fails."""
    from sequin_admin.simulator.models import Hit, now, one_call

    def hit() -> int:
        since = now() - timedelta(hours=1)
        used = Hit.count("a limit", since)
        Hit.record("a limit", now(), since)
        return used

    counted = list[int]()
    for _ in range(3):
        with one_call():
            counted.append(hit())
    with suppress(FailedError), one_call():
        hit()
        raise FailedError
    with one_call():
        counted.append(hit())
    return counted


def see_fault_come_and_go() -> list[bool]:
    """Whether a fault is on: before, in the call that sets it and fails, after it, and after one
    that sets it and does not."""
    from sequin_admin.simulator.models import Fault, one_call

    seen = list[bool]()
    with one_call():
        seen.append(Fault.is_any("stripe"))
    with suppress(FailedError), one_call():
        Fault.objects.create(provider="stripe", name="outage")
        seen.append(Fault.is_any("stripe"))
        raise FailedError
    with one_call():
        seen.append(Fault.is_any("stripe"))
        Fault.objects.create(provider="stripe", name="outage")
    with one_call():
        seen.append(Fault.is_any("stripe"))
    return seen


if __name__ == "__main__":
    start()
    print(json.dumps([count_after_undone_call(), see_fault_come_and_go()]))
