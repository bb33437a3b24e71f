"""The audit log: who did what, when."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.audit.models import Event
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.listing import Pages, get_query_param, render_page_or_partial

ROWS = 50
# Query parameters and how they match. `id` finds an object whatever it was called at the time.
LOOKUPS = {
    "actor": "actor__icontains",
    "action": "action",
    "target": "target__icontains",
    "id": "target_id",
}


@require_GET
@may(Action.VIEW)
def index(request: Request) -> HttpResponse:
    events = Event.objects.of(request.organization.pk)
    chosen = {name: get_query_param(request, name) for name in LOOKUPS}
    wanted = {LOOKUPS[name]: text for name, text in chosen.items() if text}
    context = {
        "page": Pages(events.filter(**wanted), ROWS).get_page(request.GET.get("page")),
        "chosen": chosen,
        "actions": events.order_by("action").values_list("action", flat=True).distinct(),
        "narrowed": any(chosen.values()),
    }
    return render_page_or_partial(request, "audit/index.html", "table", context)
