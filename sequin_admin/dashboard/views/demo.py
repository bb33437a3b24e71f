"""The demo's tour on the overview, and removing the demo."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.access.policy import Action
from sequin_admin.core.actors import actor_of
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.confirm import render_question
from sequin_admin.dashboard.overview.guide import build_tour
from sequin_admin.dashboard.reach.demo import removing_demo
from sequin_admin.demo import removal
from sequin_admin.demo import tour as progress
from sequin_admin.demo.models import Demo


def get_demo_or_404(request: Request) -> Demo:
    """The organization's demo. Raises `Http404`."""
    demo = progress.find_demo(request.organization.pk)
    if demo is None:
        raise Http404("This organization has no demo data.")
    demo.organization = request.organization
    return demo


@require_GET
@may(Action.VIEW)
def tour(request: Request) -> HttpResponse:
    """The tour as it is now, for the overview's poll. Without one, nothing."""
    if not request.htmx:
        return redirect("dashboard:overview")
    return render(request, "overview/tour.html", build_tour(request))


@require_POST
@may(Action.VIEW)
def look(request: Request) -> HttpResponse:
    """Show the latest incident since the demo was made."""
    incident = progress.record_look(get_demo_or_404(request), request.user)
    if incident is None:
        messages.info(request, "Nothing is broken yet. Revoke our access in the simulator first.")
        return redirect("dashboard:overview")
    return redirect("dashboard:health", incident.entity, incident.entity_id)


@require_POST
@may(Action.VIEW)
def dismiss(request: Request) -> HttpResponse:
    progress.dismiss(get_demo_or_404(request), request.user)
    return redirect("dashboard:overview")


@require_http_methods(["GET", "POST"])
@may(Action.MANAGE)
def remove(request: Request) -> HttpResponse:
    demo = get_demo_or_404(request)
    if request.method == "POST":
        plan = removal.remove(demo, actor=actor_of(request))
        kept = f" {plan.kept_count} that yours need are left." if plan.kept_count else ""
        messages.success(request, f"The demo data is removed.{kept}")
        return redirect("dashboard:overview")
    return render_question(
        request,
        title="Remove the demo data",
        button="Remove the demo data",
        pending="Removing…",
        back=reverse("dashboard:overview"),
        reach=removing_demo(demo),
    )
