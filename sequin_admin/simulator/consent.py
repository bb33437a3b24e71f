"""Where the browser is: the consent page, the way back to the client, the page of a dead end."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient

UNKNOWN_CLIENT = "No app has this client id. Compare it with the developer page."
UNKNOWN_URI = "This redirect URI is not registered for the app. Compare it with the developer page."
NOBODY = "No account was chosen. Go back, choose one of the accounts shown and press Allow."


def page(
    request: HttpRequest,
    provider: ProviderSimulator,
    client: SimulatedClient,
    accounts: Iterable[SimulatedAccount],
    scopes: Iterable[str],
) -> HttpResponse:
    context = {"provider": provider, "client": client, "accounts": accounts, "scopes": scopes}
    return render(request, "simulator/consent.html", context)


def chosen(
    request: HttpRequest, provider: ProviderSimulator, accounts: QuerySet[SimulatedAccount]
) -> SimulatedAccount:
    """The account that the person chose on the page."""
    account = accounts.filter(external_id=request.POST.get("account", "")).first()
    if account is None:
        raise SimulatedResponse(dead_end(request, provider, NOBODY))
    return account


def back(query: Mapping[str, str], **params: str) -> HttpResponse:
    """Send the browser back to the client with `params` and its own state."""
    state = {"state": query["state"]} if "state" in query else {}
    uri = query["redirect_uri"]
    joint = "&" if "?" in uri else "?"
    return HttpResponseRedirect(f"{uri}{joint}{urlencode({**params, **state})}")


def broken(
    request: HttpRequest, provider: ProviderSimulator, client: SimulatedClient | None
) -> HttpResponse:
    """A wrong client or address is never sent back anywhere (RFC 6749 section 4.1.2.1)."""
    return dead_end(request, provider, UNKNOWN_URI if client else UNKNOWN_CLIENT)


def dead_end(request: HttpRequest, provider: ProviderSimulator, reason: str) -> HttpResponse:
    context = {"provider": provider, "reason": reason}
    return render(request, "simulator/broken.html", context, status=400)
