"""The two decorators that every page wears: `@member` to look, `@may(Action.X)` to do."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Action, allows, refusal

P = ParamSpec("P")

NO_ORGANIZATION = (
    "You are signed in, but you are not a member of any organization. "
    "Ask an owner to add your email address to theirs."
)


class Request(HttpRequest):
    """What a decorated view gets: a request with a person and an organization. Types only."""

    user: User
    organization: Organization
    membership: Membership
    memberships: list[Membership]
    htmx: HtmxDetails


View = Callable[Concatenate[Request, P], HttpResponse]
Page = Callable[Concatenate[HttpRequest, P], HttpResponse]


def member(view: View[P]) -> Page[P]:
    """Let in whoever is signed in and belongs to an organization.

    A fragment asked for after signing out reloads its page, which then leads to the sign-in page.
    """

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            if request.htmx:  # type: ignore[attr-defined]
                return HttpResponseClientRefresh()
            return redirect_to_login(request.get_full_path())
        if request.organization is None:  # type: ignore[attr-defined]
            raise PermissionDenied(NO_ORGANIZATION)
        return view(cast(Request, request), *args, **kwargs)

    return inner


def may(action: Action) -> Callable[[View[P]], Page[P]]:
    """Let in members whose role allows `action`; tell the others who could help them."""

    def decorate(view: View[P]) -> Page[P]:
        @wraps(view)
        def inner(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            role = request.membership.role
            if not allows(role, action):
                raise PermissionDenied(refusal(role, action))
            return view(request, *args, **kwargs)

        return member(inner)

    return decorate
