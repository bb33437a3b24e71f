"""How many tokens a worker renews in a second, and what it costs to find those that are due."""

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
from sequin_admin.health import probes
from sequin_admin.tokens import leases, renewal
from sequin_admin.tokens.models import Token
from sequin_admin.tools.benchmarks import token_endpoint
from sequin_admin.worker.jobs import Job
from sequin_admin.worker.runner import THREADS, Runner

KIND, HOST = "airtable_oauth2", "airtable.com"
# More threads than that wait for the processor, not for the endpoint.
AT_ONCE = 4
EACH = 50
LEAST_SHARE = 0.8
FEW, MANY = 1_000, 100_000
ROUNDS = 30
MOST_RATIO = 1.5

Claim = Callable[[int], Sequence[Any]]


def throughput(organization: Organization, threads: int = AT_ONCE) -> dict[str, Any]:
    """Renewals a second, beside what `threads` could do if only the endpoint took time."""
    make_tokens(organization, total := threads * EACH)
    all_due()
    runner = Runner([], threads)
    worked: list[float] = []

    def renew(lease: leases.RenewalLease) -> None:
        renewal.renew_claimed(lease)
        worked.append(time.perf_counter())
        if len(worked) == total:
            runner.stop.set()

    runner.jobs = [Job("renew", 1, leases.claim_due, renew)]
    with endpoint() as url, override_settings(PROVIDER_BASE_URLS={HOST: url}), unpaced():
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


def due_scan(organization: Organization) -> dict[str, Any]:
    """The median cost of one claim with few and with many rows, a handful and all of them due."""
    figures: dict[str, Any] = {}
    claims: dict[str, Claim] = {"tokens": leases.claim_due, "probes": probes.claim_due}
    for total in (FEW, MANY):
        make_tokens(organization, total)
        for name, due in (("some_due", some_due), ("all_due", all_due)):
            due()
            analyze()
            for subject, claim in claims.items():
                figures.setdefault(f"{subject}_{name}", {})[f"rows_{total}_ms"] = cost(claim)
    for figure in figures.values():
        few, many = figure.values()
        figure["ratio"] = round(many / few, 2)
    worst = max(figure["ratio"] for figure in figures.values())
    return {**figures, "worst_ratio": worst, "allowed": MOST_RATIO}


def cost(claim: Claim) -> float:
    """Median in ms. Each claim finds other rows, as what is claimed is not due for a while."""
    taken = []
    with unpaced():
        claim(THREADS)
        for _ in range(ROUNDS):
            started = time.perf_counter()
            found = claim(THREADS)
            taken.append((time.perf_counter() - started) * 1000)
            if len(found) < THREADS:
                raise RuntimeError("A claim found less than there was.")
    return round(statistics.median(taken), 2)


def make_tokens(organization: Organization, total: int) -> None:
    """Airtable credentials with tokens, up to `total`."""
    kind = kinds.get(KIND)
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
            properties={"airtable_uid": f"usr{number}", "scope": ""},
            secrets={"refresh_token": "refresh"},
            secret_names=["refresh_token"],
        )
        for number in range(kind.objects.count(), total)
    ]
    kind.objects.bulk_create(rows, batch_size=500)
    new = [Token(credential=row, version=1, secrets={"access_token": "access"}) for row in rows]
    Token.objects.bulk_create(new, batch_size=500)


def all_due() -> None:
    """Every row is, since a minute."""
    due = clock.now() - timedelta(minutes=1)
    Token.objects.update(refresh_at=due, lease_until=None, next_try_at=None)
    Credential.objects.update(check_due_at=due)


def some_due() -> None:
    """As many as the claims will take; the others' time is to come."""
    all_due()
    later = clock.now() + timedelta(hours=1)
    some = list(Token.objects.values_list("pk", flat=True)[: THREADS * (ROUNDS + 1)])
    Token.objects.exclude(pk__in=some).update(refresh_at=later)
    Credential.objects.exclude(pk__in=some).update(check_due_at=later)


def analyze() -> None:
    """What a database does by itself a minute after so many rows have changed."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@contextmanager
def unpaced() -> Iterator[None]:
    """The pace protects providers; here it would be all there is to measure."""
    kind = kinds.get(KIND)
    kind.refresh_pace = RefreshPace(1_000_000, 1_000_000)
    try:
        yield
    finally:
        del kind.refresh_pace


@contextmanager
def endpoint() -> Iterator[str]:
    """The address of a token endpoint in a process of its own."""
    command = [sys.executable, "-m", token_endpoint.__name__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            if server.stdout is None:
                raise RuntimeError("The token endpoint has no output.")
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()
