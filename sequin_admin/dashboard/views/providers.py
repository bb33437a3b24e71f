"""A provider's page: its credentials, limits, outages, kinds and OAuth apps."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.core.counts import count_of
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.views.fleet_usage import annotate_rows
from sequin_admin.health import fleet
from sequin_admin.health.fleet import ProviderCount
from sequin_admin.health.outage_history import get_outage_history
from sequin_admin.health.status import Status
from sequin_admin.limits.models import UsageSummary

MOST_APPS, MOST_USED = 10, 5
COUNTED = [Status.SEQUIN, Status.CUSTOMER, Status.HEALTHY]


@require_GET
@may(Action.VIEW)
def provider(request: Request, provider: str) -> HttpResponse:
    """Raises `Http404` for a provider without kinds and credentials."""
    organization, offered = request.organization, kinds.of_provider(provider)
    census = fleet.get_census(organization)
    known = (row for row in census.providers if row.provider == provider)
    counted = next(known, ProviderCount(provider, kinds.title_of(provider), 0, ""))
    if not offered and not counted.count:
        raise Http404(provider)
    apps = OAuthApp.objects.of(organization).filter(provider=provider).defer("secrets")
    used_by = count_of(Credential.objects.all(), "oauth_app")
    summaries = UsageSummary.objects.of(organization).filter(provider=provider)
    used = annotate_rows(summaries.filter(credential__disabled_at=None, hour_share__gt=0))
    context = {
        "provider": provider,
        "counted": counted,
        "census": census,
        "counts": [(status, counted.by_status.get(status, 0)) for status in COUNTED],
        "unprobed": counted.by_status.get("", 0),
        "kinds": offered,
        "first_kind": next(iter(offered), None),
        "history": get_outage_history(organization, provider),
        "apps": apps.annotate(used_by=used_by).order_by("name", "id")[:MOST_APPS],
        "takes_apps": kinds.with_app(provider) is not None,
        "used": used.order_by("-hour_share", "-id")[:MOST_USED],
    }
    return render(request, "providers/detail.html", context)
