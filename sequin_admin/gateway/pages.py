"""What the pages for people without a login share."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from sequin_admin.access.models import User
from sequin_admin.connect import flow
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink
from sequin_admin.credentials.forms import PropertiesForm
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.tokens import protocol

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def public_page(view: View[P]) -> View[P]:
    """Nobody keeps the page, nobody is told its address, no search engine lists it."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response: HttpResponse = never_cache(view)(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return inner


def session_key(request: HttpRequest) -> str:
    """The key of this browser's session, which is begun if there is none."""
    if not request.session.session_key:
        request.session.create()
    return str(request.session.session_key)


def person(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def closed(request: HttpRequest, reason: Exception) -> HttpResponse:
    """The page of an address that leads nowhere (any more)."""
    return render(request, "link/closed.html", {"reason": str(reason)}, status=410)


def show_form(
    request: HttpRequest,
    kind: Any,
    form: PropertiesForm,
    *,
    requester: ConnectLink | AuthorizationRequest,
    action: str,
) -> HttpResponse:
    """Who asks for what, and the form or the button that leads on."""
    context = {
        "organization": requester.organization,
        "link": requester if isinstance(requester, ConnectLink) else None,
        "kind": kind,
        "form": form,
        "action": action,
        "scopes": asked_scopes(kind, requester.oauth_app),
        # A client of the customer's own has to know it.
        "redirect_uri": protocol.redirect_uri(kind.provider) if kind.oauth else "",
    }
    return render(request, "link/connect.html", context, status=422 if form.errors else 200)


def send_off(
    request: HttpRequest,
    kind: Any,
    form: PropertiesForm,
    *,
    requester: ConnectLink | AuthorizationRequest,
    **context: Any,
) -> HttpResponse:
    """To the provider's consent page, with what was entered. `trip` is more for `flow.start()`."""
    return redirect(
        flow.start(
            requester.organization,
            kind,
            session_key=session_key(request),
            oauth_app=requester.oauth_app,
            asked=form.properties.plain_values(),
            **context,
        )
    )


def asked_scopes(kind: Any, app: OAuthApp | None) -> list[tuple[str, str]]:
    """What is asked for: each scope, and what it lets us do in words, where we have some."""
    if not kind.oauth:
        return []
    scopes = app.asked_scopes if app else kind.oauth.scopes
    return [(scope, kind.oauth.scope_words.get(scope, "")) for scope in scopes]
