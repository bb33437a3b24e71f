"""The use of a credential's rate limit: now, over the last days, and planned."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.views.usage_charts import build_charts
from sequin_admin.limits import models as limits
from sequin_admin.limits import usage
from sequin_admin.limits.models import RateLimit
from sequin_admin.limits.requests import Gauge
from sequin_admin.limits.stores import Unavailable

STOP_POLLING = 286  # https://htmx.org/docs/#polling
MICROSECONDS = 1_000_000


class PlannerForm(forms.Form):
    """Sent by GET, so that the result has a URL to share."""

    records = forms.IntegerField(min_value=1, max_value=usage.MOST_RECORDS, initial=1_200_000)
    per_call = forms.IntegerField(
        label="Records per call", min_value=1, max_value=usage.MOST_PER_CALL, initial=100
    )


@require_GET
@may(Action.VIEW)
def usage_of(request: Request, pk: str) -> HttpResponse:
    rows = Credential.objects.of(request.organization).select_related("rate_limit", "oauth_app")
    credential = get_object_or_404(rows.defer("secrets", "oauth_app__secrets"), pk=pk)
    limit = limits.get_rate_limit(credential)
    context: dict[str, Any] = {"limit": limit, **get_current_usage(credential, limit)}
    if not request.htmx:
        context |= {"charts": build_charts(credential), **plan_from_query(request, limit)}
    response = render_tab(request, "limits/usage.html", credential, "usage", context, part="gauge")
    if request.htmx and not context["busy"]:
        response.status_code = STOP_POLLING
    return response


def get_current_usage(credential: Credential, limit: RateLimit) -> dict[str, Any]:
    """The gauge, and whether the limit is `busy`, so that the page goes on polling."""
    try:
        gauge = usage.gauge_of(credential)
    except Unavailable as error:
        return {"gauge": None, "unavailable": str(error), "busy": True}
    used = min(gauge.used, limit.allowed_requests)
    return {
        "gauge": gauge,
        "used": used,
        "percent": round(100 * used / limit.allowed_requests),
        "paused_s": -(-gauge.paused_for // MICROSECONDS),
        "busy": is_busy(gauge),
    }


def is_busy(gauge: Gauge) -> bool:
    return bool(gauge.used or gauge.under_way or gauge.waiting or gauge.paused_for)


def plan_from_query(request: Request, limit: RateLimit) -> dict[str, Any]:
    form = PlannerForm(request.GET if "records" in request.GET else None)
    if not form.is_valid():
        return {"planner": form}
    data = form.cleaned_data
    return {
        "planner": form,
        "plan": usage.plan_text(data["records"], data["per_call"], limit.as_rate()),
    }
