"""The control API, for tests and `manage.py demo`: JSON in, JSON out, on this machine only."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sequin_admin.simulator import framework, seed
from sequin_admin.simulator.control import ControlError, apps
from sequin_admin.simulator.control.accounts import (
    add_account,
    add_app,
    clone_account,
    grants_of,
    is_alive,
    journal_of,
)
from sequin_admin.simulator.control.actions import perform_action
from sequin_admin.simulator.control.clock import move_clock, stop_clock
from sequin_admin.simulator.control.drills import call_drill, drills_json, end_drill
from sequin_admin.simulator.control.fault_switches import set_fault, start_chaos
from sequin_admin.simulator.control.rows import get_rows_at, set_count, set_heart
from sequin_admin.simulator.control.state import get_state
from sequin_admin.simulator.control.webhooks import add_webhook, remove_webhook, webhooks_json
from sequin_admin.simulator.drills import DRILLS
from sequin_admin.simulator.models import SimulatedAccount, SimulatedCall, SimulatedClient
from sequin_admin.simulator.rows.collection import parse_time, to_datetime
from sequin_admin.simulator.views import get_provider_or_404

View = Callable[..., HttpResponse | None]


def control_action(view: View) -> Callable[..., HttpResponse]:
    """Make a POST-only view; a `ControlError` is answered with 400 and its message."""

    @require_POST
    @wraps(view)
    def answered(request: HttpRequest, **names: Any) -> HttpResponse:
        try:
            view(request, **names)
        except ControlError as error:
            return JsonResponse({"error": str(error)}, status=400)
        return JsonResponse({"done": True})

    return answered


def parse_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; empty without one. Raises `ControlError`."""
    try:
        known = json.loads(request.body or b"{}")
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise ControlError("The body must be a JSON object.")
    return known


@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """The clock, and each account with its flags and faults."""
    return JsonResponse(get_state())


@require_GET
def app(request: HttpRequest, slug: str) -> HttpResponse:
    """An app's values on the developer page, including its secrets."""
    client = get_object_or_404(SimulatedClient, provider=slug, owner=request.GET.get("owner", ""))
    known = {"client_id": client.client_id, "client_secret": client.client_secret}
    return JsonResponse({**known, "redirect_uris": client.redirect_uris, **client.extra})


@require_GET
def accounts(request: HttpRequest, slug: str) -> HttpResponse:
    rows = SimulatedAccount.objects.filter(provider=slug).order_by("pk")
    data = [{"id": a.external_id, "name": a.name, "state": a.state, **a.data} for a in rows]
    return JsonResponse({"data": data})


@require_GET
def calls(request: HttpRequest, slug: str) -> HttpResponse:
    """The log of answered calls, oldest first."""
    rows = SimulatedCall.objects.filter(provider=slug).order_by("pk")
    return JsonResponse({"data": list(rows.values("endpoint", "status", "account", "at"))})


@control_action
def change_app(request: HttpRequest, slug: str) -> None:
    """`{"client_secret": ..., "redirect_uris": [...], "app_url": ..., "owner": ...}`; Salesforce's
    `staged_secret`, and Shopify's `distribution`, which is `public` or `custom`."""
    apps.change_app(slug, **parse_body(request))


@control_action
def act(request: HttpRequest, slug: str, external_id: str, action: str) -> None:
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    perform_action(get_provider_or_404(slug), account, action, **parse_body(request))


@control_action
def fault(request: HttpRequest, slug: str) -> None:
    """`{"name": "outage", "times": 3}` for the whole provider; `{"name": "clear"}` clears all."""
    given = {"name": "", **parse_body(request)}
    set_fault(get_provider_or_404(slug).slug, **given)


@control_action
def chaos(request: HttpRequest, slug: str) -> None:
    """`{"rates": {"lost": 0.1, "late": 0.2}, "late_s": 15, "access_life_s": 75}`."""
    start_chaos(get_provider_or_404(slug).slug, **parse_body(request))


@control_action
def populate(request: HttpRequest, slug: str) -> None:
    """`{"like": "abc123", "ids": ["t1", "t2"]}`: copies of that account."""
    clone_account(get_provider_or_404(slug).slug, **parse_body(request))


@control_action
def add(request: HttpRequest, slug: str) -> None:
    """`{"like": "abc123", "id": "t1", "name": ..., "data": {...}, "app": {...}}`."""
    given = {"data": {}, "app": {}, **parse_body(request)}
    add_account(get_provider_or_404(slug).slug, **given)


@control_action
def add_developer_app(request: HttpRequest, slug: str) -> None:
    """`{"owner": "second", "client_id": ...}`: a second app of ours, found by that owner."""
    add_app(get_provider_or_404(slug).slug, **parse_body(request))


@require_GET
def grants(request: HttpRequest, slug: str) -> HttpResponse:
    """Each grant: whether it is revoked, and how often a spent refresh token was sent again."""
    return JsonResponse({"data": grants_of(slug)})


@require_GET
def journal(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """Every refresh token that was issued to the account's grants: whether it is spent, whether the
    response that brought it was destroyed, and whether an abandoned call sent it again."""
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    return JsonResponse({"data": journal_of(account)})


@require_POST
def alive(request: HttpRequest, slug: str) -> HttpResponse:
    """`{"access": ...}`: whether an access token is valid now."""
    return JsonResponse({"alive": is_alive(slug, str(parse_body(request).get("access")))})


@control_action
def clock(request: HttpRequest) -> None:
    """`{"advance_s": 3600}`, `{"stop": true}`; with neither, set the clock back to real time."""
    given = parse_body(request)
    advance_s = given.get("advance_s")
    if given.get("stop"):
        stop_clock()
        return
    if advance_s is not None and not isinstance(advance_s, int | float):
        raise ControlError("advance_s must be a number of seconds.")
    move_clock(advance_s)


@control_action
def heart(request: HttpRequest, slug: str, external_id: str) -> None:
    """`{"per_hour": 90}`: from now on, in each collection of the account."""
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    set_heart(get_provider_or_404(slug), account, parse_body(request).get("per_hour"))


@control_action
def row_count(request: HttpRequest, slug: str, external_id: str) -> None:
    """`{"count": 100000, "collection": "contacts"}`: begin again with so many rows."""
    given = parse_body(request)
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    collection = str(given.get("collection", ""))
    set_count(get_provider_or_404(slug), account, given.get("count"), collection)


@require_GET
def rows(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """The oracle: `?collection=contacts&at=2026-11-29T12:00:00Z`, and `after` for a next page."""
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    asked = {name: request.GET.get(name, "") for name in ("collection", "at", "after")}
    try:
        return JsonResponse(get_rows_at(get_provider_or_404(slug), account, **asked))
    except ControlError as error:
        return JsonResponse({"error": str(error)}, status=400)


@require_http_methods(["GET", "POST"])
def webhooks(request: HttpRequest, slug: str, external_id: str) -> HttpResponse:
    """The addresses that are told of the account's changes. A POST adds one: `{"url": ...}`, and
    where the provider has one for each address `"secret"`; the answer has it."""
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    if request.method == "GET":
        return JsonResponse({"data": webhooks_json(account)})
    try:
        given = parse_body(request)
        endpoint = add_webhook(
            get_provider_or_404(slug), account, given.get("url"), given.get("secret", "")
        )
    except ControlError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse({"done": True, "id": endpoint.pk, "secret": endpoint.secret})


@control_action
def stop_webhook(request: HttpRequest, slug: str, external_id: str, endpoint_id: int) -> None:
    """Tell this address nothing more."""
    account = get_object_or_404(SimulatedAccount, provider=slug, external_id=external_id)
    remove_webhook(account, endpoint_id)


@require_http_methods(["GET", "POST"])
def drills(request: HttpRequest) -> HttpResponse:
    """Fire drills that are on or to come. A POST calls one: `{"provider": "stripe", "name":
    "outage", "in_s": 3600, "for_s": 600, "every_s": 86400}`, of which the last three may lack."""
    if request.method == "GET":
        return JsonResponse({"data": drills_json(), "names": DRILLS})
    try:
        given = parse_body(request)
        provider = framework.all_providers().get(str(given.pop("provider", "")))
        unknown = set(given) - {"name", "in_s", "for_s", "every_s"}
        if provider is None or unknown or not isinstance(given.get("name"), str):
            names = ", ".join(framework.all_providers())
            raise ControlError(f"Give name and provider ({names}), and in_s, for_s, every_s.")
        drill = call_drill(provider, **given)
    except ControlError as error:
        return JsonResponse({"error": str(error)}, status=400)
    return JsonResponse({"done": True, "id": drill.id})


@control_action
def stop_drill(request: HttpRequest, drill_id: int) -> None:
    """End a drill and its turns to come."""
    end_drill(drill_id)


@control_action
def reset(request: HttpRequest) -> None:
    """`{"seed": "caladan", "at": "2026-11-01T00:00:00Z"}`: the rows of that seed, and the clock
    stopped at that time."""
    given = parse_body(request)
    at = given.get("at")
    at_ms = parse_time(str(at)) if at else None
    if at and at_ms is None:
        raise ControlError("at must be an ISO 8601 time, such as 2026-11-29T12:00:00Z.")
    stopped_at = None if at_ms is None else to_datetime(at_ms)
    seed.reset(str(given.get("seed", seed.DEFAULT_SEED))[:100], stopped_at)
