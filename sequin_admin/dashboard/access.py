"""Decorators of every page: `@member` requires a membership, `@may(Action.X)` also a role.

`@fresh_login_required`, below `@may`, requires a recent login on pages that give power.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.shortcuts import redirect
from django.urls import ResolverMatch
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Action, allows, refusal
from sequin_admin.core.fresh_login import is_login_fresh

P = ParamSpec("P")

NO_ORGANIZATION = (
    "You are signed in, but you are not a member of any organization. "
    "Ask an owner to invite your email address to theirs."
)
NO_METHOD = (
    "Your login is too old for this page, and your account has no password or second factor to "
    "confirm it with. Sign out, sign in again, then open this page once more."
)
NOTHING_DONE = (
    "Nothing was changed: your last login is too old for this. Confirm that it is you, then do it "
    "once more."
)


class AnyRequest(HttpRequest):
    """A request as our middleware leaves it, also without a login. For type checks only."""

    id: str
    htmx: HtmxDetails
    memberships: list[Membership]
    membership: Membership | None
    organization: Organization | None


class Request(HttpRequest):
    """The request of a decorated view: user and organization are set. For type checks only."""

    user: User
    organization: Organization
    membership: Membership
    memberships: list[Membership]
    htmx: HtmxDetails
    kept_data: QueryDict  # only set while a form is shown again


View = Callable[Concatenate[Request, P], HttpResponse]
Page = Callable[Concatenate[HttpRequest, P], HttpResponse]


def member(view: View[P]) -> Page[P]:
    """Require a signed-in user with an organization.

    After a logout, an htmx request reloads its page, which then redirects to the login page.
    """

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            if cast(AnyRequest, request).htmx:
                return HttpResponseClientRefresh()
            return redirect_to_login(request.get_full_path())
        if cast(AnyRequest, request).organization is None:
            raise PermissionDenied(NO_ORGANIZATION)
        return view(cast(Request, request), *args, **kwargs)

    return inner


def may(action: Action) -> Callable[[View[P]], Page[P]]:
    """Require a role that allows `action`; the 403 page names the roles that may."""

    def decorate(view: View[P]) -> Page[P]:
        @wraps(view)
        def inner(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            role = request.membership.role
            if not allows(role, action):
                raise PermissionDenied(refusal(role, action))
            return view(request, *args, **kwargs)

        return member(inner)

    return decorate


def fresh_login_required(view: View[P]) -> View[P]:
    """Require a login or confirmation within `ACCOUNT_REAUTHENTICATION_TIMEOUT` seconds.

    A GET redirects to the confirmation page, which leads back. Any other request has no effect:
    its form is shown again, filled in where the view builds it from `submitted_data()`.
    """

    @wraps(view)
    def inner(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if is_login_fresh(request) or is_shown_again(request):
            return view(request, *args, **kwargs)
        if request.method in ("GET", "HEAD"):
            return redirect_to_confirmation(request, request.get_full_path())
        return show_form_again(request)

    return inner


def redirect_to_confirmation(request: HttpRequest, next_url: str) -> HttpResponse:
    """Redirect to the page that asks for the password or second factor, then leads to `next_url`.

    The body of the request is not kept anywhere.
    """
    if not request.user.is_authenticated:
        return redirect_to_login(next_url)
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        raise PermissionDenied(NO_METHOD)
    url = f"{methods[0]['url']}?{urlencode({'next': next_url})}"
    if cast(AnyRequest, request).htmx:
        return HttpResponseClientRedirect(url)
    return redirect(url)


def show_form_again(request: Request) -> HttpResponse:
    """Answer a POST with the page as a GET would show it; `submitted_data()` fills in the form.

    The page links to the confirmation page. A page without a GET redirects there instead.
    """
    if request.htmx:
        return ask_again_from(request)
    request.kept_data, request.POST = request.POST, QueryDict()
    request.method = "GET"
    match = cast(ResolverMatch, request.resolver_match)
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    if isinstance(response, HttpResponseNotAllowed):
        return ask_again_from(request)
    response.status_code = 403
    return response


def ask_again_from(request: Request) -> HttpResponse:
    """Redirect to the confirmation page and from there to the page with the button."""
    messages.warning(request, NOTHING_DONE)
    return redirect_to_confirmation(request, get_previous_path(request))


def is_shown_again(request: HttpRequest) -> bool:
    """Whether the login ran out before a form was submitted, which is now shown again."""
    return hasattr(request, "kept_data")


def submitted_data(request: HttpRequest) -> QueryDict | None:
    """Data of a form: the POST data, also when the form is only shown again; None for a GET.

    The caller must test `request.method` before it acts. Secrets are kept out of the page by their
    widgets, which never render a value.
    """
    return getattr(request, "kept_data", None) or request.POST or None


def get_previous_path(request: HttpRequest) -> str:
    """Path of the page that the request came from, else of the overview."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        return "/"
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
