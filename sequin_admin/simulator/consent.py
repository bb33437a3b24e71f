"""Browser pages of a provider: the consent page, the redirect to the client, error pages."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient

UNKNOWN_CLIENT = "No app has this client id. Compare it with the developer page."
UNKNOWN_URI = "This redirect URI is not registered for the app. Compare it with the developer page."
NO_ACCOUNT = "No account was chosen. Go back, choose one of the accounts shown and press Allow."


def render_consent(
    request: HttpRequest,
    provider: ProviderSimulator,
    client: SimulatedClient,
    accounts: Iterable[SimulatedAccount],
    scopes: Iterable[str],
) -> HttpResponse:
    context = {"provider": provider, "client": client, "accounts": accounts, "scopes": scopes}
    return render(request, "simulator/consent.html", context)


def get_chosen_account(
    request: HttpRequest, provider: ProviderSimulator, accounts: QuerySet[SimulatedAccount]
) -> SimulatedAccount:
    """The account chosen on the consent page. Raises `SimulatedResponse` (400) without one."""
    account = accounts.filter(external_id=request.POST.get("account", "")).first()
    if account is None:
        raise SimulatedResponse(render_error(request, provider, NO_ACCOUNT))
    return account


def redirect_to_client(query: Mapping[str, str], **params: str) -> HttpResponse:
    """Redirect to the client's redirect URI with `params` and the client's `state`."""
    state = {"state": query["state"]} if "state" in query else {}
    uri = query["redirect_uri"]
    separator = "&" if "?" in uri else "?"
    return HttpResponseRedirect(f"{uri}{separator}{urlencode({**params, **state})}")


def reject_client(
    request: HttpRequest, provider: ProviderSimulator, client: SimulatedClient | None
) -> HttpResponse:
    """Error page for an unknown client or redirect URI: no redirect (RFC 6749 section 4.1.2.1)."""
    return render_error(request, provider, UNKNOWN_URI if client else UNKNOWN_CLIENT)


def render_error(request: HttpRequest, provider: ProviderSimulator, reason: str) -> HttpResponse:
    context = {"provider": provider, "reason": reason}
    return render(request, "simulator/broken.html", context, status=400)
