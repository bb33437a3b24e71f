"""The parts of the overview that its poll keeps up to date, besides the grid of providers."""

from collections.abc import Sequence

from sequin_admin.access.models import Organization
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.overview.changes import list_changes
from sequin_admin.dashboard.overview.queues import SHOWN, list_queues
from sequin_admin.dashboard.overview.run_counts import count_runs
from sequin_admin.health import fleet
from sequin_admin.health.fleet import Census
from sequin_admin.limits.usage import running_near_limit


@live.register("causes", "overview/causes.html")
def load_causes(request: Request, keys: Sequence[str]) -> list[Current]:
    return [causes_part(request.organization, fleet.get_census(request.organization))]


def causes_part(organization: Organization, census: Census) -> Current:
    """The counts and the queues as one, so that they never contradict each other."""
    queues, runs = list_queues(organization), count_runs(organization)
    counted = (sorted(census.by_status.items()), census.disabled)
    lines = [line for name in ("outages", "ours", "theirs") for line in queues[name]]
    return Current(
        "causes",
        "",
        state=[line.state for line in lines],
        details=([line.details for line in lines], queues["parties"], runs, census.total, counted),
        context={"census": census, "runs": runs, **queues},
    )


@live.register("changes", "overview/changes.html")
def load_changes(request: Request, keys: Sequence[str]) -> list[Current]:
    return [changes_part(request.organization)]


def changes_part(organization: Organization) -> Current:
    changes = list_changes(organization)
    newest = [(change.at.isoformat(), change.url, change.status) for change in changes]
    told = [(change.what, change.why) for change in changes]
    return Current("changes", "", newest, details=told, context={"changes": changes})


@live.register("near_limit", "overview/near_limit.html")
def load_near_limit(request: Request, keys: Sequence[str]) -> list[Current]:
    return [near_limit_part(request.organization)]


def near_limit_part(organization: Organization) -> Current:
    """The credentials near their limit, with the highest share first."""
    rows = running_near_limit(organization)[:SHOWN]
    shares = [(str(row.credential), row.percent, row.throttled) for row in rows]
    state = [row.credential.pk for row in rows]
    return Current("near_limit", "", state, details=shares, context={"near_limit": rows})
