"""Changing the organization one works in."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from sequin_admin.dashboard.access import Request, member
from sequin_admin.dashboard.middleware import CHOSEN


@require_POST
@member
def switch_organization(request: Request) -> HttpResponse:
    chosen = request.POST.get("organization", "")
    if chosen not in {str(membership.organization_id) for membership in request.memberships}:
        raise Http404("You are not a member of this organization.")
    request.session[CHOSEN] = chosen
    return redirect("dashboard:overview")
