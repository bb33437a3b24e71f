"""The overview, put together of its sections (`dashboard.overview`)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.dashboard import provider_grid
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.overview import parts
from sequin_admin.dashboard.overview.guide import build_guide
from sequin_admin.health import fleet


@require_GET
@may(Action.VIEW)
def overview(request: Request) -> HttpResponse:
    organization = request.organization
    census = fleet.get_census(organization)
    guide = build_guide(request, credentials=census.total)
    if not census.total:
        return render(request, "overview/start.html", guide)
    context = {
        "causes": parts.causes_part(organization, census),
        "near_limit": parts.near_limit_part(organization),
        "provider_grid": provider_grid.build_part(census),
        "changes": parts.changes_part(organization),
        **guide,
    }
    return render(request, "overview/index.html", context)
