"""A worker that makes calls at full demand through the client library.

Run as `python -m tests.client.caller URL KEY CREDENTIAL FOR_S SHIFT_S STOPS`. Its clock is SHIFT_S
seconds ahead. With STOPS it stops itself, as SIGSTOP does, at its third call, between the permit
and the client's last look at it, and goes on when it is told to. Prints when it begins.
"""

import os
import signal
import sys
import time
from datetime import datetime, timedelta

import httpx2

from sequin_admin.client import Client, Pace, access

PATH = "/crm/v3/objects/contacts"
PACE = Pace(patience_s=30, use_within_s=2, margin_s=0.5)


def set_clock(shift_s):
    real = time.time
    time.time = lambda: real() + shift_s

    class Shifted(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=shift_s)

    access.datetime = Shifted


def stop_at(permits, number):
    take, taken = permits.take, []

    def stopping():
        taken.append(take())
        if len(taken) == number:
            os.kill(os.getpid(), signal.SIGSTOP)
        return taken[-1]

    permits.take = stopping


def main():
    url, key, pk, for_s, shift_s, stops = sys.argv[1:]
    set_clock(float(shift_s))
    with Client(url, key) as client:
        credential = client.credential(pk, PACE)
        if stops == "True":
            stop_at(credential.permits, 3)
        transport = credential.transport(httpx2.HTTPTransport(trust_env=False))
        with httpx2.Client(base_url=credential.base_url, transport=transport, timeout=30) as http:
            print("begins", flush=True)
            ends = time.monotonic() + float(for_s)
            while time.monotonic() < ends:
                http.get(PATH).raise_for_status()


if __name__ == "__main__":
    main()
