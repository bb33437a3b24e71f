"""The simulator's own pages. A development tool without a login."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_list_or_404, get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.simulator import framework
from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.control.actions import ONE_TIME_ACTIONS, actions_of, perform_action
from sequin_admin.simulator.control.apps import change_app, rotate_secret
from sequin_admin.simulator.control.clock import move_clock
from sequin_admin.simulator.control.drills import call_drill, drills_json, end_drill
from sequin_admin.simulator.control.rows import (
    MOST_PER_HOUR,
    count_rows,
    get_rate,
    set_count,
    set_heart,
)
from sequin_admin.simulator.control.webhooks import add_webhook, remove_webhook, webhooks_json
from sequin_admin.simulator.drills import DRILLS
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedCall,
    SimulatedClient,
    World,
    now,
)
from sequin_admin.simulator.rows.living import MOST_ROWS


def get_provider_or_404(slug: str) -> ProviderSimulator:
    """The simulator of a provider. Raises `Http404`."""
    found = framework.all_providers().get(slug)
    if found is None:
        raise Http404(slug)
    return found


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    accounts = SimulatedAccount.objects.order_by("pk")
    developers = set(SimulatedClient.objects.values_list("provider", flat=True))
    groups = [
        {
            "provider": p,
            "accounts": [a for a in accounts if a.provider == p.slug],
            "has_apps": p.slug in developers,
        }
        for p in framework.all_providers().values()
    ]
    return render(request, "simulator/home.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
def developer(request: HttpRequest, slug: str) -> HttpResponse:
    """The provider's developer page: the apps' ids and secrets to copy, redirect URIs to edit."""
    provider = get_provider_or_404(slug)
    clients = get_list_or_404(SimulatedClient.objects.order_by("pk"), provider=slug)
    if request.method == "POST":
        owner = request.POST.get("owner", "")
        if "rotate" in request.POST:
            rotate_secret(provider, owner)
        else:
            uris = request.POST.get("redirect_uris", "").split()
            more = {name: request.POST[name] for name in ("app_url",) if name in request.POST}
            change_app(slug, owner, redirect_uris=uris, **more)
        return redirect("developer", slug=slug)
    page = {"provider": provider, "clients": clients}
    return render(request, "simulator/developer.html", page)


@require_http_methods(["GET", "POST"])
def panel(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """The control page of one account."""
    provider = get_provider_or_404(slug)
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    if request.method == "POST":
        action, ended = request.POST.get("action", ""), request.POST.get("end", "")
        try:
            perform_action(provider, account, action or ended, on=bool(action))
        except ControlError as error:
            return HttpResponseBadRequest(str(error), content_type="text/plain")
        return redirect("panel", slug=slug, external_id=external_id)
    page = {
        "provider": provider,
        "account": account,
        **buttons(provider, account),
        "counts": count_rows(provider, account),
        "per_hour": f"{get_rate(account):g}",
        "most_per_hour": MOST_PER_HOUR,
        "most_rows": MOST_ROWS,
        "webhooks": webhooks_json(account),
        "grants": account.grants.filter(revoked=False).count(),
        "calls": SimulatedCall.objects.filter(provider=slug, account=external_id).order_by("-pk")[
            :10
        ],
    }
    return render(request, "simulator/panel.html", page)


@require_POST
def rows(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """The forms of the control page for the heart (`per_hour`) and the number of rows (`count`)."""
    provider = get_provider_or_404(slug)
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    try:
        if "per_hour" in request.POST:
            set_heart(provider, account, float(request.POST["per_hour"]))
        else:
            count = int(request.POST.get("count", ""))
            set_count(provider, account, count, request.POST.get("collection", ""))
    except ValueError:
        return HttpResponseBadRequest("Give a number.", content_type="text/plain")
    except ControlError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    return redirect("panel", slug=slug, external_id=external_id)


@require_POST
def webhooks(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """The forms of the control page that add (`url`) and remove (`remove`) an address."""
    provider = get_provider_or_404(slug)
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    try:
        if "remove" in request.POST:
            remove_webhook(account, int(request.POST["remove"]))
        else:
            add_webhook(provider, account, request.POST.get("url", "").strip())
    except ValueError:
        return HttpResponseBadRequest("Give a number.", content_type="text/plain")
    except ControlError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain")
    return redirect("panel", slug=slug, external_id=external_id)


def buttons(provider: ProviderSimulator, account: SimulatedAccount) -> dict[str, Any]:
    """Context of the panel: one-time actions, switches with their state, active faults."""
    faults = {fault.name: fault for fault in account.faults.all()}
    known = actions_of(provider)
    switches = [
        {"name": name, "label": label, "on": name in faults or account.has(name)}
        for name, label in known.items()
        if name not in ONE_TIME_ACTIONS
    ]
    at_once = {name: known[name] for name in known if name in ONE_TIME_ACTIONS}
    return {"switches": switches, "at_once": at_once, "faults": faults.values()}


@require_http_methods(["GET", "POST"])
def clock(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        hours = request.POST.get("hours", "")
        try:
            move_clock(float(hours) * 3600 if hours else None)
        except (ControlError, ValueError):
            return HttpResponseBadRequest("Give hours as a number.", content_type="text/plain")
        return redirect("clock")
    offset = World.objects.values_list("offset_s", flat=True).first() or 0
    return render(request, "simulator/clock.html", {"now": now(), "hours": offset / 3600})


@require_http_methods(["GET", "POST"])
def drills(request: HttpRequest) -> HttpResponse:
    """Fire drills: those that are on or to come, and a form that calls one."""
    if request.method == "POST":
        given = request.POST.dict()
        try:
            if "end" in given:
                end_drill(int(given["end"]))
            else:
                minutes = (float(given.get(n) or 0) * 60 for n in ("in", "for", "every"))
                provider = get_provider_or_404(given.get("provider", ""))
                call_drill(provider, given.get("name", ""), *minutes)
        except ValueError:
            return HttpResponseBadRequest("Give a number.", content_type="text/plain")
        except ControlError as error:
            return HttpResponseBadRequest(str(error), content_type="text/plain")
        return redirect("drills")
    page = {"drills": drills_json(), "names": DRILLS, "providers": framework.all_providers()}
    return render(request, "simulator/drills.html", {**page, "now": now()})
