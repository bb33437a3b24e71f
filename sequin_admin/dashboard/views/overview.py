"""The overview, put together of its sections (`dashboard.overview`)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.overview import changes, counts, queues, steps
from sequin_admin.health import fleet
from sequin_admin.limits.usage import running_near_limit


@require_GET
@may(Action.VIEW)
def overview(request: Request) -> HttpResponse:
    organization = request.organization
    census = fleet.get_census(organization)
    listed = steps.list_open_steps(organization, census)
    if not census.total:
        return render(request, "overview/start.html", {"steps": listed})
    context = {
        "census": census,
        "steps": listed,
        "parties": counts.count_parties(organization),
        **queues.list_queues(organization),
        "near_limit": running_near_limit(organization)[: queues.SHOWN],
        "changes": changes.list_changes(organization),
    }
    return render(request, "overview/index.html", context)
