"""The worker's jobs and their intervals. Jobs claim their rows, so any number of workers may run.

Job names are metric labels and keys in `WorkerProcess.jobs`; their titles for people are in
`dashboard.views.worker.TITLES`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command

from sequin_admin.access import exports as list_exports
from sequin_admin.access import former_secrets, idempotency
from sequin_admin.audit import exports, redaction, repeats, retention, sealing
from sequin_admin.connect import (
    access_returns,
    authorization_requests,
    batches,
    flow,
    links,
    mails,
)
from sequin_admin.core import shared_cache
from sequin_admin.credentials.models import Credential
from sequin_admin.health import (
    alerts,
    cause_alerts,
    causes,
    end_notices,
    incidents,
    outages,
    probe_claims,
    probes,
    rollup,
    workers,
)
from sequin_admin.health.workers import PROBE, RENEW
from sequin_admin.limits import sampling, summaries
from sequin_admin.notifications import delivery, outbox
from sequin_admin.syncs import catalogue, targets
from sequin_admin.syncs.runs import lateness, lost_runs, run_pruning
from sequin_admin.tokens import chains, endpoints, renewal, renewal_leases
from sequin_admin.tokens.endpoints import Capacity
from sequin_admin.tokens.renewal_leases import RenewalLease
from sequin_admin.worker import endings

HOUR_S = 3600
CAPACITY_EVERY_S = 2


@dataclass(frozen=True)
class Job:
    """`claim(limit)` returns at most `limit` items of work, and `work(item)` does one of them.

    `claim` is called every `every_s` seconds, and again at once when it has returned any, as it may
    leave some for the next turn. A `single` job has one item per interval. It waits for the other
    chores unless it is `prompt`, when it has a thread of its own.
    """

    name: str
    every_s: float
    claim: Callable[[int], Sequence[Any]]
    work: Callable[[Any], object]
    single: bool = False
    prompt: bool = False


def periodic_job(
    name: str, every_s: float, run: Callable[[], object], *, prompt: bool = False
) -> Job:
    """A job that calls `run` every `every_s` seconds. Several workers may run it at once."""
    return Job(name, every_s, lambda limit: [run], lambda run: run(), single=True, prompt=prompt)


class KnownCapacity:
    """`workers.capacity()`, read again every few seconds."""

    def __init__(self) -> None:
        self.read_at = float("-inf")
        self.known = Capacity()

    def __call__(self) -> Capacity:
        if time.monotonic() - self.read_at >= CAPACITY_EVERY_S:
            self.known, self.read_at = workers.capacity(), time.monotonic()
        return self.known


capacity = KnownCapacity()


def claim_renewals(limit: int) -> Sequence[RenewalLease]:
    return renewal_leases.claim_due(limit, capacity())


def claim_probes(limit: int) -> Sequence[Credential]:
    return probe_claims.claim_due(limit, capacity())


JOBS = (
    Job(RENEW, 1, claim_renewals, renewal.renew_claimed),
    Job(PROBE, 1, claim_probes, probes.probe_claimed),
    Job("deliver", 1, delivery.claim_due, delivery.deliver_claimed),
    Job("verify_targets", 1, targets.claim_due, targets.verify_claimed),
    Job("run_batches", 1, batches.claim_due, batches.work_claimed),
    Job("make_exports", 1, list_exports.claim_due, list_exports.work_claimed),
    Job("refresh_collections", 2, catalogue.claim_due, catalogue.refresh_claimed),
    Job("give_back_access", 2, access_returns.claim_due, access_returns.return_claimed),
    Job("end_organizations", 5, endings.claim_due, endings.end_claimed),
    Job("redact_events", 5, redaction.claim_due, redaction.redact_claimed),
    periodic_job("end_lost_runs", 5, lost_runs.end_lost_runs),
    periodic_job("seal_events", 10, sealing.seal_committed, prompt=True),
    periodic_job("write_repeated_events", 30, repeats.write_counted),
    periodic_job("export_events", 60, exports.export_due),
    periodic_job("detect_outages", 30, outages.detect_outages),
    periodic_job("propagate_recent_changes", 600, rollup.propagate_recent),
    periodic_job("notice_late_syncs", 60, lateness.record_lateness),
    periodic_job("notify_causes", 10, cause_alerts.notify_due),
    periodic_job("notify_resolved", 30, alerts.notify_resolved),
    periodic_job("remind_customers", 60, mails.remind_due),
    periodic_job("notify_ends", HOUR_S, end_notices.notify_ends),
    periodic_job("group_incidents", 600, causes.group_orphans),
    periodic_job("recount_causes", HOUR_S, causes.recount),
    periodic_job("sample_usage", 60, sampling.record_samples),
    periodic_job("sum_up_usage", 60, summaries.refresh_summaries),
    periodic_job("prune_authorization_requests", 60, authorization_requests.prune),
    periodic_job("prune_batches", HOUR_S, batches.prune),
    periodic_job("prune_connect_links", HOUR_S, links.prune),
    periodic_job("prune_connect_sessions", HOUR_S, flow.prune),
    periodic_job("prune_cache", HOUR_S, shared_cache.prune),
    periodic_job("prune_chains", HOUR_S, chains.prune),
    periodic_job("prune_deliveries", HOUR_S, outbox.prune),
    periodic_job("prune_idempotency_records", HOUR_S, idempotency.prune_records),
    periodic_job("prune_exports", HOUR_S, list_exports.prune),
    periodic_job("prune_runs", HOUR_S, run_pruning.prune),
    periodic_job("prune_former_secrets", HOUR_S, former_secrets.prune),
    periodic_job("prune_usage", HOUR_S, sampling.prune),
    periodic_job("prune_incidents", HOUR_S, incidents.prune),
    periodic_job("prune_events", 24 * HOUR_S, retention.prune),
    periodic_job("prune_workers", HOUR_S, workers.prune),
    periodic_job("prune_silent_endpoints", HOUR_S, endpoints.prune),
    periodic_job("clear_sessions", 24 * HOUR_S, lambda: call_command("clearsessions")),
)
