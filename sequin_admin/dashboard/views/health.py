"""The health page of one monitored object, and the incidents of the organization."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core.monitored import Monitored
from sequin_admin.dashboard.access import Request, may
from sequin_admin.health import history, rollup
from sequin_admin.health.entities import monitored_models, with_dependencies
from sequin_admin.health.models import Check, Incident, Transition
from sequin_admin.syncs.health import keep_consumers
from sequin_admin.syncs.models import Sync

RECENT = 20
ROWS = 50
PERIODS = (history.DAY, history.QUARTER)


@require_GET
@may(Action.VIEW)
def detail(request: Request, entity: str, pk: str) -> HttpResponse:
    """Status, reasons, next step, checks with their evidence, and history."""
    if entity not in monitored_models():
        raise Http404(entity)
    rows = with_dependencies(monitored_models()[entity]).of(request.organization)
    subject = get_object_or_404(rows, pk=pk)
    context = {
        "subject": subject,
        **build_card_context(subject),
        "histories": history.get_histories(subject, PERIODS),
        "transitions": Transition.objects.about(subject)[:RECENT],
        "incidents": Incident.objects.about(subject)[:RECENT],
    }
    return render(request, "health/detail.html", context)


def build_card_context(subject: Monitored) -> dict[str, Any]:
    """The context of `health/card.html`, for any detail page."""
    if isinstance(subject, Sync):
        keep_consumers(subject)
    checks = list(Check.objects.about(subject))
    winner = next(iter(rollup.list_reasons(subject, checks)), None)
    return {
        "chain": winner.chain() if winner else [],
        "checks": checks,
        "step": f"health/steps/{subject.entity}.html",
    }
