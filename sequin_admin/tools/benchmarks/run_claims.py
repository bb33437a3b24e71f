"""Benchmark of a run's claim by an organization with many syncs."""

import json
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.credentials import kinds
from sequin_admin.syncs.models import Consumer, RunSlot, Sync, Target
from sequin_admin.syncs.runs import claims, slots
from sequin_admin.syncs.runs.claims import RunFilter

SYNCS, ROUNDS, ROWS = 10_000, 20, 500
LEASE = timedelta(minutes=5)
URL = "/v1/syncs/runs/claim"

Figures = dict[str, object]


def measure(syncs: int = SYNCS) -> Figures:
    """Times in ms of the steps of a claim, and of a whole one: while all runs are due, and while
    none is."""
    owner = Organization.objects.create(name="Runs", slug="runs")
    key, token = keys.create(owner, name="runs", scopes=[Scope.RUNS], actor=None)
    make_syncs(owner, syncs)
    slots.make_slots(owner)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client(headers={"Authorization": f"Bearer {token}"})
    due = times_of(owner, key, client)
    RunSlot.objects.filter(organization=owner).update(due_at=F("due_at") + timedelta(days=1))
    return {"syncs": syncs, "all_due": due, "none_due": times_of(owner, key, client)}


def make_syncs(owner: Organization, count: int) -> None:
    """With one consumer that reads all of them."""
    credential = kinds.get("stripe_key")(
        organization=owner, name="Runs", secrets={"secret": "sk_test_bench"}
    )
    credential.save()
    rows = (
        Sync(
            organization=owner,
            credential=credential,
            provider="stripe",
            name=f"Sync {number:06}",
            collection_ids=["stripe:customer", "stripe:invoice"],
        )
        for number in range(count)
    )
    Sync.objects.bulk_create(rows, batch_size=ROWS)
    place = {"host": "db.example.com", "database": "bench", "username": "bench"}
    target = Target(organization=owner, name="Bench", secrets={"password": "bench"}, **place)
    target.save()
    Consumer(organization=owner, name="Bench", target=target, all_syncs=True).save()


def times_of(owner: Organization, key: ApiKey, client: Client) -> Figures:
    body = json.dumps({"lease_s": LEASE.seconds, "wait_s": 0})

    def claim_by_http() -> None:
        answer = client.post(URL, body, content_type="application/json")
        if answer.status_code != 200:
            raise RuntimeError(f"The claim was answered {answer.status_code}.")

    return {
        "make_slots": timed(lambda: slots.make_slots(owner)),
        "claim": timed(lambda: claims.claim(key, RunFilter(), LEASE)),
        "over_http": timed(claim_by_http),
    }


def timed(run: Callable[[], object]) -> dict[str, float]:
    """The fastest and the median of some, and the median processor time of this process, in ms."""
    run()
    took, used = [], []
    for _ in range(ROUNDS):
        began, before = time.perf_counter(), time.process_time()
        run()
        took.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - before) * 1000)
    return {
        "fastest_ms": round(min(took), 2),
        "median_ms": round(statistics.median(took), 2),
        "cpu_ms": round(statistics.median(used), 2),
    }
