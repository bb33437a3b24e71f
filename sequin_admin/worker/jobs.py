"""What the worker does, and how often. Any number of workers may run: the jobs claim their rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command

from sequin_admin.access import idempotency
from sequin_admin.connect import authorization_requests, flow, links
from sequin_admin.health import alerts, incidents, outages, probes, rollup, workers
from sequin_admin.health.workers import PROBE, RENEW
from sequin_admin.limits import usage
from sequin_admin.notifications import delivery, outbox
from sequin_admin.syncs import catalogue, targets
from sequin_admin.tokens import leases, renewal

HOUR_S = 3600


@dataclass(frozen=True)
class Job:
    """`claim(room)` takes at most `room` pieces of work, and `work` does one of them.

    It is asked every `every_s` seconds, and again at once while it gives as much as there is room
    for. A `single` job is one piece of work, the same each time.
    """

    name: str
    every_s: float
    claim: Callable[[int], Sequence[Any]]
    work: Callable[[Any], object]
    single: bool = False


def chore(name: str, every_s: float, run: Callable[[], object]) -> Job:
    """A job that only has to be run from time to time. Harmless when two workers do."""
    return Job(name, every_s, lambda room: [run], lambda run: run(), single=True)


JOBS = (
    Job(RENEW, 1, leases.claim_due, renewal.renew_claimed),
    Job(PROBE, 1, probes.claim_due, probes.probe_claimed),
    Job("deliver", 1, delivery.claim_due, delivery.deliver_claimed),
    Job("test targets", 5, targets.claim_due, targets.verify_claimed),
    Job("read collections", 2, catalogue.claim_due, catalogue.refresh_claimed),
    chore("watch for outages", 30, outages.detect_outages),
    chore("pass on what changed lately", 600, rollup.propagate_recent),
    chore("tell what is over", 30, alerts.notify_resolved),
    chore("write down how rate limits are used", 60, usage.sample),
    chore("forget what nobody came for", 60, authorization_requests.prune),
    chore("forget old connect links", HOUR_S, links.prune),
    chore("forget old connect trips", HOUR_S, flow.prune),
    chore("forget old deliveries", HOUR_S, outbox.prune),
    chore("forget old answers", HOUR_S, idempotency.prune_records),
    chore("forget old usage", HOUR_S, usage.prune),
    chore("forget old incidents", HOUR_S, incidents.prune),
    chore("forget workers that are gone", HOUR_S, workers.prune),
    chore("forget old sessions", 24 * HOUR_S, lambda: call_command("clearsessions")),
)
