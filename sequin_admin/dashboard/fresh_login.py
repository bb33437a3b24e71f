"""`@fresh_login_required`, below `@may`, requires a recent login on pages that give power."""

from functools import wraps
from typing import cast

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    QueryDict,
)
from django.urls import ResolverMatch

from sequin_admin.core.fresh_login import is_login_fresh
from sequin_admin.dashboard.access import P, Request, View
from sequin_admin.dashboard.confirmation import ask_again_from, redirect_to_confirmation


def fresh_login_required(view: View[P]) -> View[P]:
    """Require a login or confirmation within `ACCOUNT_REAUTHENTICATION_TIMEOUT` seconds.

    A GET redirects to the confirmation page, which leads back. Any other request has no effect:
    its form is shown again, filled in where the view builds it from `submitted_data()`.
    """

    @wraps(view)
    def inner(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if is_login_fresh(request) or is_shown_again(request):
            return view(request, *args, **kwargs)
        if request.method in ("GET", "HEAD"):
            return redirect_to_confirmation(request, request.get_full_path())
        return show_form_again(request)

    return inner


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


def is_shown_again(request: HttpRequest) -> bool:
    """Whether the login ran out before a form was submitted, which is now shown again."""
    return hasattr(request, "kept_data")


def submitted_data(request: HttpRequest) -> QueryDict | None:
    """Data of a form: the POST data, also when the form is only shown again; None for a GET.

    The caller must test `request.method` before it acts. Secrets are kept out of the page by their
    widgets, which never render a value.
    """
    return getattr(request, "kept_data", None) or request.POST or None
