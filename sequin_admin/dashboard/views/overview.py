"""The overview: credentials by status, open incidents by who must act, recent changes."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.dashboard import provider_grid
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.guide import build_guide
from sequin_admin.health import fleet
from sequin_admin.health.models import Transition
from sequin_admin.health.status import Status
from sequin_admin.limits.usage import running_near_limit

MAX_INCIDENTS = 8
RECENT = 10


@require_GET
@may(Action.VIEW)
def overview(request: Request) -> HttpResponse:
    organization = request.organization
    census = fleet.get_census(organization)
    guide = build_guide(request, credentials=census.total)
    if not census.total:
        return render(request, "overview/start.html", guide)
    context = {
        "census": census,
        "counts": [(status, census.by_status.get(status, 0)) for status in COUNTED_STATUSES],
        "unprobed": census.by_status.get("", 0),
        **fleet.our_incidents_and_outages(organization, MAX_INCIDENTS),
        "customer_incidents": fleet.customer_incidents(organization)[:MAX_INCIDENTS],
        "near_limit": running_near_limit(organization)[:MAX_INCIDENTS],
        "transitions": Transition.objects.of(organization)[:RECENT],
        "provider_grid": provider_grid.build_part(census),
        **guide,
        "shown": MAX_INCIDENTS,
    }
    return render(request, "overview/index.html", context)


COUNTED_STATUSES = [Status.SEQUIN, Status.CUSTOMER, Status.HEALTHY]
