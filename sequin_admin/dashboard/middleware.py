"""What every request carries: an id for the logs, and the organization the person works in."""

import uuid
from collections.abc import Callable
from typing import cast

import structlog
from django.http import HttpRequest, HttpResponse

from sequin_admin.access.models import Membership, User

GetResponse = Callable[[HttpRequest], HttpResponse]
CHOSEN = "organization"


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id that is in its log lines and in the `X-Request-Id` header."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.id = str(uuid.uuid4())  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request.id):  # type: ignore[attr-defined]
            response = get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response

    return middleware


def organization(get_response: GetResponse) -> GetResponse:
    """Set `request.membership` and `request.organization`: the chosen, else the first, else None."""

    def middleware(request: HttpRequest) -> HttpResponse:
        membership = chosen_membership(request) if request.user.is_authenticated else None
        request.membership = membership  # type: ignore[attr-defined]
        request.organization = membership and membership.organization  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def chosen_membership(request: HttpRequest) -> Membership | None:
    own = Membership.objects.filter(user=cast(User, request.user)).select_related("organization")
    chosen = request.session.get(CHOSEN)
    return (own.filter(organization_id=chosen).first() if chosen else None) or own.order_by(
        "created_at", "pk"
    ).first()
