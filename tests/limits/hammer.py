"""Load generator: processes that use all permits of one credential.

Run as `python -m tests.limits.hammer`. Each process prints a line of JSON per permit: its number,
the store's start time in µs, and the call's start and end by the machine's monotonic clock.
"""

import json
import os
import sys
import time
from datetime import timedelta

import django

django.setup()

from sequin_admin.core import clock  # noqa: E402
from sequin_admin.credentials.models import Credential  # noqa: E402
from sequin_admin.limits import limiter  # noqa: E402
from sequin_admin.limits.permits import CallOutcome, PermitRefused  # noqa: E402


def set_clocks(shift_s):
    real, real_ns, now = time.time, time.time_ns, clock.now
    time.time = lambda: real() + shift_s
    time.time_ns = lambda: real_ns() + int(shift_s * 1e9)
    clock.now = lambda: now() + timedelta(seconds=shift_s)


def hammer(number, pk, ends, hold_ms, options):
    credential = Credential.objects.select_related("rate_limit").get(pk=pk)
    while (left := ends - time.monotonic()) > 0:
        options["wait_ms"] = min(10_000, int(left * 1000))
        try:
            grant = limiter.acquire(credential, **options)
        except PermitRefused as refused:
            options["ticket"] = refused.ticket
            time.sleep(min(refused.retry_after_ms / 1000, max(ends - time.monotonic(), 0)))
            continue
        options.pop("ticket", None)
        for lease in grant.leases:
            late = time.monotonic() - grant.began > options.get("use_within_ms", 60_000) / 1000
            if late:
                limiter.release(credential, lease, CallOutcome.UNUSED)
                continue
            began = time.monotonic_ns() // 1000
            time.sleep(hold_ms / 1000)
            done = time.monotonic_ns() // 1000
            # One short write, so that lines of several processes do not mix.
            os.write(1, json.dumps([number, grant.starts_at, began, done]).encode() + b"\n")
            limiter.release(credential, lease)


def main():
    pk, for_s, hold_ms, shifts, options = map(json.loads, sys.argv[1:])
    ends = time.monotonic() + for_s
    children = []
    for number, shift in enumerate(shifts):
        if child := os.fork():
            children.append(child)
        else:
            set_clocks(shift)
            hammer(number, pk, ends, hold_ms, options)
            os._exit(0)
    os.write(2, json.dumps(children).encode() + b"\n")
    sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))


main()
