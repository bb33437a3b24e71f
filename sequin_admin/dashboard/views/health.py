"""How one watched thing fares, in full, and the incidents of all of them."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from sequin_admin.access.models import OwnedQuerySet
from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import Monitored
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import Pages, asked, page_or_part
from sequin_admin.health import history, rollup
from sequin_admin.health.entities import models
from sequin_admin.health.models import Check, Incident, Transition
from sequin_admin.health.status import Status

RECENT = 20
ROWS = 50
PERIODS = (history.DAY, history.QUARTER)


@require_GET
@may(Action.VIEW)
def detail(request: Request, entity: str, pk: str) -> HttpResponse:
    """The badge, why, what to do, every check with its evidence, and the past."""
    if entity not in models():
        raise Http404(entity)
    rows = models()[entity]._default_manager.of(request.organization)  # type: ignore[attr-defined]
    subject = get_object_or_404(rows, pk=pk)
    context = {
        "subject": subject,
        **card(subject),
        "histories": [history.of(subject, period) for period in PERIODS],
        "transitions": Transition.objects.about(subject)[:RECENT],
        "incidents": Incident.objects.about(subject)[:RECENT],
    }
    return render(request, "health/detail.html", context)


def card(subject: Monitored) -> dict[str, Any]:
    """What the health card of any detail page shows."""
    winner = next(iter(rollup.reasons(subject)), None)
    return {
        "chain": winner.chain() if winner else [],
        "checks": list(Check.objects.about(subject)),
        "step": f"health/steps/{subject.entity}.html",
    }


@require_GET
@may(Action.VIEW)
def incidents(request: Request) -> HttpResponse:
    """Open ones first by default, all of them if asked; newest first."""
    own: OwnedQuerySet[Incident] = Incident.objects.of(request.organization)
    state, who = asked(request, "state") or "open", asked(request, "who")
    rows = own.filter(resolved_at=None) if state == "open" else own
    if who in WHO:
        rows = rows.filter(status=WHO[who])
    context = {
        "page": Pages(rows, ROWS).get_page(request.GET.get("page")),
        "state": state,
        "who": who,
    }
    return page_or_part(request, "health/incidents.html", "table", context)


WHO = {"us": Status.SEQUIN, "customers": Status.CUSTOMER, "nobody": ""}
