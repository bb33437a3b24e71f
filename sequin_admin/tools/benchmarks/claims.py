"""Benchmark of claims: what several workers claim a second, beside one another.

Run with `python -m`, it is one worker: it claims for `TAKES_S` seconds and prints how often.
"""

import subprocess
import sys
import time
from datetime import timedelta
from typing import IO, Any

import django
from django.db import connection

from sequin_admin.core.env import inherited
from sequin_admin.tools.benchmarks import waits

WORKERS = (1, 2, 4, 8)
ROOM = 8
TAKES_S = 3.0
ORGANIZATIONS, TOKENS_EACH = 50, 600
KINDS = ("airtable_oauth2", "hubspot_oauth2", "linear_oauth2", "quickbooks_oauth2")


def measure() -> dict[str, Any]:
    """Claims a second of `ROOM` rows each, of all workers together, by their number."""
    make_due_tokens()
    figures = {f"{count}_workers": measure_workers(count) for count in WORKERS}
    return {"rows_a_claim": ROOM, "organizations": ORGANIZATIONS, **figures}


def measure_workers(count: int) -> dict[str, Any]:
    """Claims a second, what the connections did meanwhile, and how busy all cores were."""
    command = [sys.executable, "-m", __name__]
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.tools.benchmarks.settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
    }
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, env=environment, **pipes) for _ in range(count)]  # noqa: S603
    for worker in workers:
        # It is ready. All of them begin together.
        pipes_of(worker)[1].readline()
    before = waits.cpu_times()
    with waits.sampled() as found:
        for worker in workers:
            entry = pipes_of(worker)[0]
            entry.write("\n")
            entry.flush()
        rates = [float(worker.communicate()[0]) for worker in workers]
    return {
        "per_s": round(sum(rates), 1),
        "share_of_time": waits.shares(found),
        "cores_busy": waits.busy_share(before, waits.cpu_times()),
    }


def pipes_of(worker: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    """Its input and its output."""
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("The worker has no pipes.")
    return worker.stdin, worker.stdout


def make_due_tokens() -> None:
    from sequin_admin.access.models import Organization
    from sequin_admin.core import clock
    from sequin_admin.credentials import kinds
    from sequin_admin.credentials.models import Credential
    from sequin_admin.tokens.models import Token

    due = clock.now() - timedelta(minutes=1)
    for number in range(ORGANIZATIONS):
        owner = Organization.objects.create(name=f"Claims {number}", slug=f"claims-{number}")
        rows = [
            kinds.get(KINDS[n % len(KINDS)])(organization=owner, name=f"Account {n}")
            for n in range(TOKENS_EACH)
        ]
        Credential.objects.bulk_create(rows)
        Token.objects.bulk_create([Token(credential=row, refresh_at=due) for row in rows])


def work() -> None:
    django.setup()
    from sequin_admin.core import clock, leases
    from sequin_admin.credentials.kinds import RefreshPace
    from sequin_admin.credentials.models import Credential
    from sequin_admin.tokens import renewal_leases
    from sequin_admin.tokens.models import Token

    later = clock.now() + timedelta(hours=1)
    Credential.refresh_pace = RefreshPace(1_000_000, 1_000_000)
    renewal_leases.claim_due(1)
    print("ready", flush=True)
    sys.stdin.readline()
    began, rows = time.perf_counter(), 0
    while time.perf_counter() - began < TAKES_S:
        claimed = [lease.token.pk for lease in renewal_leases.claim_due(ROOM)]
        # As many are under way as at a worker, whose renewals end.
        Token.objects.filter(pk__in=claimed).update(**leases.RELEASED, refresh_at=later)
        rows += len(claimed)
    print(rows / ROOM / (time.perf_counter() - began))


if __name__ == "__main__":
    work()
