"""Shared functions of the pages without a login."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from sequin_admin.access.branding import get_branding
from sequin_admin.access.models import Organization, User
from sequin_admin.connect import flow
from sequin_admin.connect.links import LinkUsed
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink
from sequin_admin.core.languages import LANGUAGES, active_language
from sequin_admin.core.languages.sentences import translate
from sequin_admin.credentials.forms import PropertiesForm
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.gateway.languages import in_language, remember_switch
from sequin_admin.tokens import protocol

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def public_page(view: View[P]) -> View[P]:
    """View decorator: no caching, no referrer, no search engines, in the customer's language."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        with in_language(request):
            response: HttpResponse = never_cache(view)(request, *args, **kwargs)
            response["Content-Language"] = active_language()
        remember_switch(request, response)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return inner


def session_key(request: HttpRequest) -> str:
    """The key of this browser's session, which is created if there is none."""
    if not request.session.session_key:
        request.session.create()
    return str(request.session.session_key)


def person(request: HttpRequest) -> User | None:
    """Who is signed in; nobody while their organization is closed to the sign-in."""
    is_closed = getattr(request, "closed", None)
    return request.user if isinstance(request.user, User) and not is_closed else None


def render_closed(request: HttpRequest, reason: Exception) -> HttpResponse:
    """The page of a URL that is unknown or can't be used any more (status 410)."""
    link = getattr(reason, "link", None)
    template = "link/used.html" if isinstance(reason, LinkUsed) else "link/closed.html"
    context = {"link": link, "reason": str(reason)}
    return render_page(
        request, template, context, organization=link and link.organization, status=410
    )


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    organization: Organization | None,
    status: int = 200,
) -> HttpResponse:
    """A customer's page, with what the organization shows of itself."""
    shown = {
        "organization": organization,
        "branding": get_branding(organization) if organization else None,
        "language": active_language(),
        "languages": LANGUAGES,
    }
    return render(request, template, {**shown, **context}, status=status)


def show_form(
    request: HttpRequest,
    kind: type[Credential],
    form: PropertiesForm,
    *,
    requester: ConnectLink | AuthorizationRequest,
    action: str,
) -> HttpResponse:
    """The page that says who requests access to what, with the form or button to continue."""
    translate_form(form)
    context = {
        "link": requester if isinstance(requester, ConnectLink) else None,
        "kind": kind,
        "form": form,
        "action": action,
        "scopes": requested_scopes(kind, requester.oauth_app),
        "collections": [collection.name for collection in kind.catalogue],
        # The customer registers it where the client is theirs.
        "redirect_uri": protocol.redirect_uri(kind.provider) if kind.oauth else "",
    }
    return render_page(
        request,
        "link/connect.html",
        context,
        organization=requester.organization,
        status=422 if form.errors else 200,
    )


def translate_form(form: PropertiesForm) -> None:
    """The labels, hints and errors of a form that is shown, which the kind declares in English."""
    for errors in form.errors.values():
        errors.data = [translated_error(error) for error in errors.as_data()]
    for shown in form:
        shown.label = translate(str(shown.field.label or ""))
        shown.help_text = translate(str(shown.field.help_text))


def translated_error(error: ValidationError) -> ValidationError:
    return ValidationError([translate(sentence) for sentence in error.messages])


def redirect_to_provider(
    request: HttpRequest,
    kind: type[OAuthKind],
    form: PropertiesForm,
    *,
    requester: ConnectLink | AuthorizationRequest,
    **options: Any,
) -> HttpResponse:
    """Start a connect session with the entered values; redirect to the provider's consent page.

    `options` are more arguments of `flow.start()`.
    """
    return redirect(
        flow.start(
            requester.organization,
            kind,
            session_key=session_key(request),
            oauth_app=requester.oauth_app,
            inputs=form.properties.plain_values(),
            **options,
        )
    )


def requested_scopes(kind: type[Credential], app: OAuthApp | None) -> list[tuple[str, str]]:
    """The requested scopes, each with its description or ""."""
    if not kind.oauth:
        return []
    scopes = app.requested_scopes if app else kind.oauth.scopes
    return [(scope, kind.oauth.scope_descriptions.get(scope, "")) for scope in scopes]
