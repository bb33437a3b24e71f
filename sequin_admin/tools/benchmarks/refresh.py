"""Benchmark of renewals: tokens per second of a worker, and the cost of a claim of due rows."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import override_settings

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import RefreshPace
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import probe_claims
from sequin_admin.tokens import renewal, renewal_leases
from sequin_admin.tokens.models import Token
from sequin_admin.tools.benchmarks import token_endpoint
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.runner import THREADS, Runner

KIND, HOST = "airtable_oauth2", "airtable.com"
# With more threads the processor is the bottleneck, not the endpoint.
AT_ONCE = 4
EACH = 50
LEAST_SHARE = 0.8
FEW, MANY = 1_000, 100_000
ROUNDS = 30
MOST_RATIO = 1.5

Claim = Callable[[int], Sequence[object]]


def measure_throughput(organization: Organization, threads: int = AT_ONCE) -> dict[str, Any]:
    """Renewals per second, and their share of the maximum, which the endpoint's delay sets."""
    make_tokens(organization, total := threads * EACH)
    make_all_due()
    runner = Runner([], threads)
    worked: list[float] = []

    def renew(lease: renewal_leases.RenewalLease) -> None:
        renewal.renew_claimed(lease)
        worked.append(time.perf_counter())
        if len(worked) == total:
            runner.stop.set()

    runner.jobs = [Job("renew", 1, renewal_leases.claim_due, renew)]
    with (
        run_endpoint() as url,
        override_settings(PROVIDER_BASE_URLS={HOST: url}),
        without_throttle(),
    ):
        began = time.perf_counter()
        runner.run_forever()
    possible = threads / token_endpoint.TAKES_S
    rate = total / (worked[-1] - began)
    renewed = Token.objects.filter(version=2).count()
    return {
        "threads": threads,
        "refreshes_per_s": round(rate, 1),
        "share": round(rate / possible, 2),
        "least": LEAST_SHARE,
        "all_renewed": renewed == total,
    }


def measure_due_scan(organization: Organization) -> dict[str, Any]:
    """Median time of a claim with few and with many rows, when some and when all are due."""
    figures: dict[str, Any] = {}
    claims: dict[str, Claim] = {
        "tokens": renewal_leases.claim_due,
        "probes": probe_claims.claim_due,
    }
    for total in (FEW, MANY):
        make_tokens(organization, total)
        for name, due in (("some_due", make_some_due), ("all_due", make_all_due)):
            due()
            analyze()
            for subject, claim in claims.items():
                figures.setdefault(f"{subject}_{name}", {})[f"rows_{total}_ms"] = measure_claim(
                    claim
                )
    for figure in figures.values():
        few, many = figure.values()
        figure["ratio"] = round(many / few, 2)
    worst = max(figure["ratio"] for figure in figures.values())
    return {**figures, "worst_ratio": worst, "allowed": MOST_RATIO}


def measure_claim(claim: Claim) -> float:
    """Median in ms. Each claim finds different rows, as claimed rows are not due for a while."""
    taken = []
    with without_throttle():
        claim(THREADS)
        for _ in range(ROUNDS):
            started = time.perf_counter()
            found = claim(THREADS)
            taken.append((time.perf_counter() - started) * 1000)
            if len(found) < THREADS:
                raise RuntimeError("A claim found fewer rows than were due.")
    return round(statistics.median(taken), 2)


def make_tokens(organization: Organization, total: int, slug: str = KIND) -> None:
    """Create credentials of an OAuth kind with tokens, up to `total`."""
    kind = kinds.get(slug)
    app, _ = OAuthApp.objects.get_or_create(
        organization=organization,
        provider=kind.provider,
        defaults={"client_id": "bench", "secrets": {"client_secret": "bench"}},
    )
    rows = [
        kind(
            organization=organization,
            oauth_app=app,
            name=f"Account {number}",
            identity=f"usr{number}",
            properties={kind.identity_properties[0]: f"usr{number}", "scope": ""},
            secrets={"refresh_token": "refresh"},
            secret_names=["refresh_token"],
        )
        for number in range(kind.objects.count(), total)
    ]
    kind.objects.bulk_create(rows, batch_size=500)
    new = [Token(credential=row, version=1, secrets={"access_token": "access"}) for row in rows]
    Token.objects.bulk_create(new, batch_size=500)


def make_all_due() -> None:
    """Make every row due since a minute ago."""
    due = clock.now() - timedelta(minutes=1)
    Token.objects.update(refresh_at=due, lease_until=None, next_try_at=None)
    Credential.objects.update(check_due_at=due)


def make_some_due() -> None:
    """Make as many rows due as the claims will take."""
    make_all_due()
    later = clock.now() + timedelta(hours=1)
    some = list(Token.objects.values_list("pk", flat=True)[: THREADS * (ROUNDS + 1)])
    Token.objects.exclude(pk__in=some).update(refresh_at=later)
    Credential.objects.exclude(pk__in=some).update(check_due_at=later)


def analyze() -> None:
    """As autovacuum would do after so many changes."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@contextmanager
def without_throttle() -> Iterator[None]:
    """Lift the refresh throttle, which would limit what is measured."""
    kind = kinds.get(KIND)
    kind.refresh_pace = RefreshPace(1_000_000, 1_000_000)
    try:
        yield
    finally:
        del kind.refresh_pace


@contextmanager
def run_endpoint() -> Iterator[str]:
    """Run the token endpoint in a child process. Yields its URL."""
    command = [sys.executable, "-m", token_endpoint.__name__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            if server.stdout is None:
                raise RuntimeError("The token endpoint has no output.")
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()
