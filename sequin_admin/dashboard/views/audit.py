"""The audit log: who did what, when."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.dashboard.access import Request, may

ROWS = 50


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    own = Event.objects.of(request.organization.pk)
    chosen = {name: request.GET.get(name, "").strip() for name in ("actor", "action", "target")}
    events = own
    for name, text in chosen.items():
        exact = name == "action"
        events = (
            events.filter(**{name if exact else f"{name}__icontains": text}) if text else events
        )
    context = {
        "page": Paginator(events, ROWS).get_page(request.GET.get("page")),
        "chosen": chosen,
        "actions": own.order_by("action").values_list("action", flat=True).distinct(),
        "narrowed": any(chosen.values()),
    }
    fragment = "#table" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"audit/index.html{fragment}", context)
