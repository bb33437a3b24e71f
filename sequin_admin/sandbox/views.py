"""The simulator's own pages and its control API. A tool for one machine: no login, no secrets."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_list_or_404, get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.sandbox import control, faults, framework
from sequin_admin.sandbox.framework import Provider
from sequin_admin.sandbox.models import Account, Call, Client, Fault, World, now


def provider_or_404(slug: str) -> Provider:
    found = framework.all_providers().get(slug)
    if found is None:
        raise Http404(slug)
    return found


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    accounts = Account.objects.order_by("pk")
    developers = set(Client.objects.values_list("provider", flat=True))
    groups = [
        {
            "provider": p,
            "accounts": [a for a in accounts if a.provider == p.slug],
            "has_apps": p.slug in developers,
        }
        for p in framework.all_providers().values()
    ]
    return render(request, "sandbox/home.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
def developer(request: HttpRequest, slug: str) -> HttpResponse:
    """The provider's developer page: the apps' ids and secrets to copy, redirect URIs to edit."""
    provider = provider_or_404(slug)
    clients = get_list_or_404(Client.objects.order_by("pk"), provider=slug)
    if request.method == "POST":
        uris = request.POST.get("redirect_uris", "").split()
        control.change_app(slug, request.POST.get("owner", ""), redirect_uris=uris)
        return redirect("developer", slug=slug)
    page = {"provider": provider, "clients": clients}
    return render(request, "sandbox/developer.html", page)


@require_http_methods(["GET", "POST"])
def panel(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """The control page of one account."""
    provider = provider_or_404(slug)
    account = get_object_or_404(Account, provider=slug, external_id=external_id)
    if request.method == "POST":
        control.act(provider, account, request.POST.get("action", ""))
        return redirect("panel", slug=slug, external_id=external_id)
    page = {
        "provider": provider,
        "account": account,
        "actions": control.actions_of(provider),
        "faults": Fault.objects.filter(account=account),
        "grants": account.grants.filter(revoked=False).count(),
        "calls": Call.objects.filter(provider=slug, account=external_id).order_by("-pk")[:10],
    }
    return render(request, "sandbox/panel.html", page)


@require_http_methods(["GET", "POST"])
def clock(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        hours = request.POST.get("hours", "")
        control.move_clock(float(hours) * 3600 if hours else None)
        return redirect("clock")
    offset = World.objects.values_list("offset_s", flat=True).first() or 0
    return render(request, "sandbox/clock.html", {"now": now(), "hours": offset / 3600})


def body_of(request: HttpRequest) -> dict[str, Any]:
    return json.loads(request.body) if request.body else {}


@require_GET
def api_app(request: HttpRequest, slug: str) -> HttpResponse:
    client = get_object_or_404(Client, provider=slug, owner=request.GET.get("owner", ""))
    known = {"client_id": client.client_id, "client_secret": client.client_secret}
    return JsonResponse({**known, "redirect_uris": client.redirect_uris, **client.extra})


@require_POST
def api_change_app(request: HttpRequest, slug: str) -> HttpResponse:
    control.change_app(slug, **body_of(request))
    return api_done()


@require_GET
def api_accounts(request: HttpRequest, slug: str) -> HttpResponse:
    rows = Account.objects.filter(provider=slug).order_by("pk")
    data = [{"id": a.external_id, "name": a.name, "state": a.state, **a.data} for a in rows]
    return JsonResponse({"data": data})


@require_POST
def api_act(request: HttpRequest, slug: str, external_id: str, action: str) -> HttpResponse:
    account = get_object_or_404(Account, provider=slug, external_id=external_id)
    control.act(provider_or_404(slug), account, action, **body_of(request))
    return api_done()


@require_POST
def api_fault(request: HttpRequest, slug: str) -> HttpResponse:
    """`{"name": "outage", "times": 3}` for the whole provider; `{"name": "clear"}` ends all."""
    given = body_of(request)
    if given["name"] == "clear":
        faults.clear(slug, None)
    else:
        faults.set_fault(slug, None, given["name"], given.get("times"))
    return api_done()


@require_GET
def api_calls(request: HttpRequest, slug: str) -> HttpResponse:
    rows = Call.objects.filter(provider=slug).order_by("pk")
    return JsonResponse({"data": list(rows.values("endpoint", "status", "account", "at"))})


@require_POST
def api_clock(request: HttpRequest) -> HttpResponse:
    control.move_clock(body_of(request).get("advance_s"))
    return api_done()


@require_POST
def api_reset(request: HttpRequest) -> HttpResponse:
    control.reset()
    return api_done()


def api_done() -> HttpResponse:
    return JsonResponse({"done": True})
