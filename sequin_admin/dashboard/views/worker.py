"""Whether the background work goes on: which workers live, and how far behind they are."""

from datetime import datetime

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core import clock
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import page_or_part
from sequin_admin.health import workers
from sequin_admin.health.models import WorkerProcess

# Longer than a busy worker takes to come round.
LATE_S = 60
TITLES = {workers.RENEW: "Renew tokens", workers.PROBE: "Probe credentials"}


@require_GET
@may(Action.VIEW)
def worker(request: Request) -> HttpResponse:
    """The lag is that of the organization's own rows; how much a worker did for all, is staff's."""
    now = clock.now()
    lags = workers.lags(request.organization)
    context = {
        "rows": [
            (row, row.beat_at > now - workers.STALE, troubles(row)) for row in workers.known()
        ],
        "alive": workers.alive(now).exists(),
        "jobs": [(TITLES[lag.job], lag, lag.seconds(now) > LATE_S) for lag in lags],
    }
    return page_or_part(request, "worker/index.html", "status", context)


def troubles(row: WorkerProcess) -> list[tuple[str, str, datetime]]:
    """Job, sentence and time of the last errors, the newest first."""
    failed = [
        (TITLES.get(name, name.capitalize()), job["error"], datetime.fromisoformat(job["error_at"]))
        for name, job in row.jobs.items()
        if job["error"]
    ]
    return sorted(failed, key=lambda trouble: trouble[2], reverse=True)
