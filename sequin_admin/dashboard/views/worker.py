"""The status of the workers, and how far behind their jobs are."""

from collections.abc import Sequence
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.core.words import format_local_time
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.live import Current
from sequin_admin.health import worker_watch, workers
from sequin_admin.health.models import WorkerProcess
from sequin_admin.limits import limiter
from sequin_admin.tokens import endpoints

# Longer than the loop of a busy worker takes.
LATE_S = 60
# By job. A row of a worker of another version may have jobs without a title.
TITLES = {
    workers.RENEW: "Renew tokens",
    workers.PROBE: "Probe credentials",
    "deliver": "Deliver messages",
    "verify_targets": "Test targets",
    "run_batches": "Do bulk actions",
    "make_exports": "Make CSV files of large lists",
    "refresh_collections": "Refresh collections",
    "give_back_access": "Give access back at providers",
    "end_organizations": "Erase organizations that end",
    "redact_events": "Take erased people out of the audit log",
    "end_lost_runs": "End runs whose worker is gone",
    "seal_events": "Seal the audit log",
    "write_repeated_events": "Write repeats into the audit log",
    "export_events": "Export the audit log",
    "detect_outages": "Detect provider outages",
    "propagate_recent_changes": "Propagate recent changes of status",
    "notice_late_syncs": "Notice syncs that are late",
    "notify_causes": "Send notifications of causes",
    "notify_resolved": "Send events of resolved incidents",
    "remind_customers": "Remind customers of links that end",
    "notify_ends": "Send notifications of what will end",
    "group_incidents": "Group incidents of an earlier version",
    "recount_causes": "Check the counts of causes",
    "sample_usage": "Record the use of rate limits",
    "sum_up_usage": "Sum up the use of rate limits",
    "prune_authorization_requests": "Delete expired authorization requests",
    "prune_batches": "Delete old bulk actions",
    "prune_connect_links": "Delete old connect links",
    "prune_connect_sessions": "Delete old connect sessions",
    "prune_cache": "Delete expired entries of the shared cache",
    "prune_chains": "Delete digests of old refresh tokens that nobody was shown",
    "prune_deliveries": "Delete old deliveries",
    "prune_idempotency_records": "Delete old idempotency records",
    "prune_exports": "Delete CSV files that are a day old",
    "prune_runs": "Delete old runs",
    "prune_former_secrets": "Delete old former secrets",
    "prune_usage": "Delete old usage records",
    "prune_incidents": "Delete old incidents",
    "prune_events": "Delete old events of the audit log",
    "prune_workers": "Delete workers that are gone",
    "prune_silent_endpoints": "Forget providers that nobody calls any more",
    "clear_sessions": "Delete expired logins",
}


@require_GET
@may(Action.VIEW)
def worker(request: Request) -> HttpResponse:
    return render(request, "worker/index.html", {"part": build_part(request)})


@live.register("worker", "worker/status.html")
def load_worker(request: Request, keys: Sequence[str]) -> list[Current]:
    return [build_part(request)]


def build_part(request: Request) -> Current:
    """Lags are those of the organization's own rows; totals per worker are for staff only."""
    now = clock.now()
    lags = workers.lags(request.organization)
    listed = workers.list_workers()
    rows = [(row, row.beat_at > now - workers.STALE_AFTER, describe_errors(row)) for row in listed]
    alive = any(lives for _, lives, _ in rows)
    jobs = [(TITLES[lag.job], lag, lag.seconds(now) > LATE_S) for lag in lags]
    silent = list(endpoints.silent_for(request.organization))
    context = {
        "rows": rows,
        "alive": alive,
        "incident": None if alive else worker_watch.open_incident(),
        "unsealed": worker_watch.open_incident(worker_watch.UNSEALED) if alive else None,
        "unmailed": worker_watch.open_incident(worker_watch.UNMAILED) if alive else None,
        "store_risks": limiter.describe_risks(),
        "silent": silent,
        "jobs": jobs,
    }
    state = (
        [(str(row), row.stopping, lives) for row, lives, _ in rows],
        [(title, late) for title, _, late in jobs],
        context["store_risks"],
        bool(context["unsealed"]),
        bool(context["unmailed"]),
        [endpoint.title for endpoint in silent],
    )
    return Current(
        "worker",
        "",
        state,
        details=[(str(row.beat_at), row.jobs, row.clock_note) for row in listed] + [str(lags)],
        context=context,
    )


def describe_errors(row: WorkerProcess) -> str:
    """What is wrong with its clock, and the last error of each job, newest first."""
    failed = sorted(
        ((name, job) for name, job in row.jobs.items() if job["error"]),
        key=lambda each: str(each[1]["error_at"]),
        reverse=True,
    )
    errors = (
        f"{title_of(name)}, {told_at(job['error_at'])}: {job['error']}" for name, job in failed
    )
    return " ".join([*filter(None, [row.clock_note]), *errors])


def told_at(moment: str) -> str:
    return format_local_time(datetime.fromisoformat(moment))


def title_of(job: str) -> str:
    return TITLES.get(job) or job.replace("_", " ").capitalize()
