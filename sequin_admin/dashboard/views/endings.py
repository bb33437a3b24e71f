"""The end of the current organization: asks for it, and undoes it."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from sequin_admin.access import endings
from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.fresh_login import fresh_login_required
from sequin_admin.dashboard.reach.endings import ending_organization


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
@fresh_login_required
def organization_end(request: Request) -> HttpResponseBase:
    organization = request.organization
    typed = request.POST.get("name", "")
    if request.method == "POST" and typed.strip() == organization.name:
        try:
            endings.ask(organization, actor=actor_of(request))
        except endings.EndRefused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, endings.describe_end(organization))
        return redirect("dashboard:organization")
    if organization.ends_at:
        return redirect("dashboard:organization")
    return render_question(
        request,
        title=f"End {organization}?",
        button=f"End {organization}",
        pending="Telling its owners…",
        back=reverse("dashboard:organization"),
        reach=ending_organization(organization),
        confirm_by=organization.name,
        typed=typed,
        wrong=bool(request.POST),
        status=422 if request.POST else 200,
    )


@require_POST
@may(Action.MANAGE, while_ending=True)
def organization_stay(request: Request) -> HttpResponse:
    try:
        endings.undo(request.organization, actor=actor_of(request))
    except endings.EndRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{request.organization} stays. Work goes on where it stopped.")
    return redirect("dashboard:organization")
