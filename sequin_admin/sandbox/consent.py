"""Where the browser is: the consent page, the way back to the client, the page of a dead end."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sequin_admin.sandbox.framework import Answer, Provider
from sequin_admin.sandbox.models import Account, Client

UNKNOWN_CLIENT = "No app has this client id. Compare it with the developer page."
UNKNOWN_URI = "This redirect URI is not registered for the app. Compare it with the developer page."
NOBODY = "No account was chosen. Go back, choose one of the accounts shown and press Allow."


def page(
    request: HttpRequest,
    provider: Provider,
    client: Client,
    accounts: Iterable[Account],
    scopes: Iterable[str],
) -> HttpResponse:
    context = {"provider": provider, "client": client, "accounts": accounts, "scopes": scopes}
    return render(request, "sandbox/consent.html", context)


def chosen(request: HttpRequest, provider: Provider, accounts: QuerySet[Account]) -> Account:
    """The account that the person chose on the page."""
    account = accounts.filter(external_id=request.POST.get("account", "")).first()
    if account is None:
        raise Answer(dead_end(request, provider, NOBODY))
    return account


def back(query: Mapping[str, str], **params: str) -> HttpResponse:
    """Send the browser back to the client with `params` and its own state."""
    state = {"state": query["state"]} if "state" in query else {}
    uri = query["redirect_uri"]
    joint = "&" if "?" in uri else "?"
    return HttpResponseRedirect(f"{uri}{joint}{urlencode({**params, **state})}")


def broken(request: HttpRequest, provider: Provider, client: Client | None) -> HttpResponse:
    """A wrong client or address is never sent back anywhere (RFC 6749 section 4.1.2.1)."""
    return dead_end(request, provider, UNKNOWN_URI if client else UNKNOWN_CLIENT)


def dead_end(request: HttpRequest, provider: Provider, reason: str) -> HttpResponse:
    context = {"provider": provider, "reason": reason}
    return render(request, "sandbox/broken.html", context, status=400)
