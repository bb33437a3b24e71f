"""The tab with the history of what has a front: what was done to it, and how it did."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.health.entities import monitored_models, with_dependencies
from sequin_admin.health.models import Transition

SHOWN = 12


@require_GET
@may(Action.VIEW)
def history(request: Request, pk: str, entity: str) -> HttpResponse:
    rows = with_dependencies(monitored_models()[entity]).of(request.organization)
    subject = get_object_or_404(rows, pk=pk)
    context = {
        "events": Event.objects.of(request.organization.pk).about(subject)[:SHOWN],
        "transitions": Transition.objects.about(subject)[:SHOWN],
    }
    here = f"{entity}_history"
    return render_tab(request, "components/history_tab.html", subject, here, context)
