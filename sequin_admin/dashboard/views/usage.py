"""The use of a credential's rate limit: now, over the last days, and planned."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials.models import Credential, CredentialQuerySet
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request, may
from sequin_admin.dashboard.front import render_tab
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.views.usage_charts import build_charts
from sequin_admin.limits import models as limits
from sequin_admin.limits import usage
from sequin_admin.limits.models import RateLimit
from sequin_admin.limits.requests import Gauge
from sequin_admin.limits.stores import Unavailable

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
    credential = get_object_or_404(credentials_of(request), pk=pk)
    limit = limits.get_rate_limit(credential)
    context = {
        "limit": limit,
        "gauge": gauge_part(credential),
        "charts": build_charts(credential),
        **plan_from_query(request, limit),
    }
    return render_tab(request, "limits/usage.html", credential, "usage", context)


def credentials_of(request: Request) -> CredentialQuerySet:
    rows = Credential.objects.of(request.organization).select_related("rate_limit", "oauth_app")
    return rows.defer("secrets", "oauth_app__secrets")


@live.register("gauge", "limits/gauge.html")
def load_gauges(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    return map(gauge_part, credentials_of(request).filter(pk__in=parse_uuids(keys[:1])))


def gauge_part(credential: Credential) -> Current:
    """What goes on now, asked for more often while something does."""
    limit = limits.get_rate_limit(credential)
    context = {"credential": credential, "limit": limit, **get_current_usage(credential, limit)}
    gauge, paused = context["gauge"], context.get("paused_s", 0)
    return Current(
        "gauge",
        str(credential.pk),
        state=(bool(gauge), bool(paused), str(limit)),
        details=gauge and (gauge.used, gauge.under_way, gauge.waiting, paused),
        context=context,
        soon=context["busy"],
    )


def get_current_usage(credential: Credential, limit: RateLimit) -> dict[str, Any]:
    try:
        gauge = usage.gauge_of(credential)
    except Unavailable as error:
        return {"gauge": None, "unavailable": str(error), "busy": False}
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
