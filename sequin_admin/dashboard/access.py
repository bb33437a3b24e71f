"""Decorators of every page: `@member` requires a membership, `@may(Action.X)` also a role.

`@fresh_login_required` of `dashboard.fresh_login` stands below `@may`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from sequin_admin.access.endings import describe_end
from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Action, allows, refusal
from sequin_admin.access.sign_in_rules import Closed
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core.actors import actor_of

P = ParamSpec("P")

PATH_CHARS = 300
NO_ORGANIZATION = (
    "You are signed in, but you are not a member of any organization. "
    "Ask an owner to invite your email address to theirs."
)


class AnyRequest(HttpRequest):
    """A request as our middleware leaves it, also without a login. For type checks only.

    Where the chosen organization is `closed` to the sign-in, the request has none.
    """

    id: str
    htmx: HtmxDetails
    memberships: list[Membership]
    membership: Membership | None
    organization: Organization | None
    closed: Closed | None


class Request(HttpRequest):
    """The request of a decorated view: user and organization are set. For type checks only."""

    user: User
    organization: Organization
    membership: Membership
    memberships: list[Membership]
    htmx: HtmxDetails
    kept_data: QueryDict  # only set while a form is shown again
    sync_runs: object  # only set by the tab Runs of a sync: see `run_pages/sync_runs.py`


View = Callable[Concatenate[Request, P], HttpResponseBase]
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def member_anywhere(view: View[P]) -> Page[P]:
    """Require a signed-in user with an organization, which may be closed to the sign-in.

    After a logout, an htmx request reloads its page, which then redirects to the login page.
    """

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if cast(AnyRequest, request).htmx:
                return HttpResponseClientRefresh()
            return redirect_to_login(request.get_full_path())
        if not cast(AnyRequest, request).memberships:
            raise PermissionDenied(NO_ORGANIZATION)
        return view(cast(Request, request), *args, **kwargs)

    return inner


def member(view: View[P]) -> Page[P]:
    """Require a signed-in user with an organization whose rules the sign-in meets."""

    @wraps(view)
    def inner(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if closed := cast(AnyRequest, request).closed:
            return lead_to_gate(request, closed)
        return view(request, *args, **kwargs)

    return member_anywhere(inner)


def lead_to_gate(request: HttpRequest, closed: Closed) -> HttpResponse:
    """To the page that says what the organization asks for, and from there back."""
    if cast(AnyRequest, request).htmx:
        return HttpResponseClientRefresh()
    start = reverse("admin:index") if is_staff_path(request.path_info) else "/"
    is_page = request.method in ("GET", "HEAD")
    query = {
        "organization": str(closed.membership.organization_id),
        "next": request.get_full_path() if is_page else start,
    }
    return redirect(f"{reverse('sign_in_gate')}?{urlencode(query)}")


def is_staff_path(path: str) -> bool:
    """Whether it is one of the staff admin."""
    return path.startswith(reverse("admin:index"))


def record_denied(request: Request, action: Action) -> None:
    """An event in the organization's log; repeats from one address are counted."""
    record_repeatable(
        request.organization,
        "action.denied",
        actor_of(request),
        organization_id=request.organization.pk,
        needed=action.value,
        method=request.method,
        path=request.path[:PATH_CHARS],
    )


def may(action: Action, *, while_ending: bool = False) -> Callable[[View[P]], Page[P]]:
    """Require a role that allows `action`; the 403 page names the roles that may.

    An organization that ends can only be looked at, but for what is allowed `while_ending`.
    """

    def decorate(view: View[P]) -> Page[P]:
        @wraps(view)
        def inner(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            role = request.membership.role
            if not allows(role, action):
                record_denied(request, action)
                raise PermissionDenied(refusal(role, action))
            changes = action != Action.VIEW and request.method not in ("GET", "HEAD")
            if request.organization.ends_at and changes and not while_ending:
                raise PermissionDenied(describe_end(request.organization))
            return view(request, *args, **kwargs)

        return member(inner)

    return decorate
