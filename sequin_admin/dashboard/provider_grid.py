"""The overview's grid of providers: how many credentials each has, and the worst status of them."""

from collections.abc import Sequence

from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.live import Current
from sequin_admin.health import fleet
from sequin_admin.health.fleet import Census


@live.register("grid", "overview/provider_grid.html")
def load_grid(request: Request, keys: Sequence[str]) -> list[Current]:
    return [build_part(fleet.get_census(request.organization))]


def build_part(census: Census) -> Current:
    rows = census.providers
    state = [(row.provider, row.status) for row in rows]
    counts = [(row.count, sorted(row.by_status.items())) for row in rows]
    return Current("grid", "", state, details=counts, context={"rows": rows})
