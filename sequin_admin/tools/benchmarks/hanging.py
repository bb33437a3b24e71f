"""Benchmark of renewals beside a provider that never answers: what a worker does for another one,
with it and without it."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, models

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health.models import WorkerProcess
from sequin_admin.tokens.models import SilentEndpoint, Token
from sequin_admin.tools.benchmarks.refresh import HOST, KIND, make_tokens, run_endpoint

HANGING_KIND, HANGING_HOST = "hubspot_oauth2", "api.hubapi.com"
HANGING, ANSWERING, ROUNDS = 10_000, 300, 3
LOOK_EVERY_S, PATIENCE_S = 0.05, 120.0
# More than the machine can do, so that no pace of ours is what is measured.
PACE = 1000
LEAST_SHARE = 0.8


def measure() -> dict[str, Any]:
    """Renewals a second of the provider that answers, one round after the other as the machine may
    be busy, and the share that is left of them beside the one that hangs."""
    for slug, count in ((HANGING_KIND, HANGING), (KIND, ANSWERING)):
        make_tokens(Organization.objects.create(name=slug, slug=slug[:20]), count, slug)
    Credential.objects.update(check_due_at=None)
    OAuthApp.objects.update(renewals_per_second=PACE)
    rates: dict[bool, list[float]] = {False: [], True: []}
    with hanging_server() as silent_url, run_endpoint() as url:
        hosts = {HOST: url, HANGING_HOST: silent_url}
        for _ in range(ROUNDS):
            for is_beside, measured in rates.items():
                make_due(is_beside)
                measured.append(measure_rate(hosts))
    alone, beside = map(statistics.median, rates.values())
    return {
        "hanging_due": HANGING,
        "answering_due": ANSWERING,
        "alone_per_s": round(alone, 1),
        "beside_per_s": round(beside, 1),
        "rounds_alone_per_s": [round(rate, 1) for rate in rates[False]],
        "rounds_beside_per_s": [round(rate, 1) for rate in rates[True]],
        "share": round(beside / alone, 2),
        "least": LEAST_SHARE,
        "load": os.getloadavg()[0],
    }


def make_due(beside: bool) -> None:
    """As before the first round: the accounts that answer are due, the others only `beside`."""
    SilentEndpoint.objects.all().delete()
    WorkerProcess.objects.all().delete()
    free = {"lease_owner": "", "lease_until": None, "tried_at": None, "next_try_at": None}
    due = clock.now() - timedelta(minutes=1)
    Token.objects.update(**free, version=1, failures=0, journal=[], refusal={}, refresh_at=due)
    if not beside:
        Token.objects.filter(credential__kind=HANGING_KIND).update(refresh_at=None)


def measure_rate(hosts: dict[str, str]) -> float:
    """Run a worker until it has renewed all accounts of the provider that answers. Returns how many
    a second, from the first on."""
    renewed = Token.objects.filter(credential__kind=KIND, version=2)
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.tools.benchmarks.settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "PROVIDER_BASE_URLS": json.dumps(hosts),
    }
    command = [sys.executable, "manage.py", "worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        first = wait_for(renewed, 1)
        began = time.perf_counter()
        last = wait_for(renewed, ANSWERING)
        return (last - first) / (time.perf_counter() - began)
    finally:
        # It would wait for the calls that hang.
        worker.kill()
        worker.wait()


def wait_for(renewed: models.QuerySet[Token], least: int) -> int:
    """How many are renewed, as soon as there are so many or all patience is gone."""
    ends_at = time.monotonic() + PATIENCE_S
    while (count := int(renewed.count())) < least and time.monotonic() < ends_at:
        time.sleep(LOOK_EVERY_S)
    return count


@contextmanager
def hanging_server() -> Iterator[str]:
    """A server that takes connections and says nothing. Yields its URL."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(128)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
