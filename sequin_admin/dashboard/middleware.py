"""What every request carries: an id for the logs, and the organization the person works in."""

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response

from sequin_admin.access.models import Membership

GetResponse = Callable[[HttpRequest], HttpResponse]
CHOSEN = "organization"


def request_id(get_response: GetResponse) -> GetResponse:
    """Give each request an id that is in its log lines and in the `X-Request-Id` header."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.id = str(uuid.uuid4())  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request.id):  # type: ignore[attr-defined]
            response = get_response(request)
            if response.status_code >= 400:
                # Django says it only when we are out of here, where the id is forgotten.
                said = (response.reason_phrase, request.path)
                log_response("%s: %s", *said, response=response, request=request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response

    return middleware


def organization(get_response: GetResponse) -> GetResponse:
    """Set `request.memberships`, and the chosen (else the oldest, else None) as
    `request.membership` and `request.organization`."""

    def middleware(request: HttpRequest) -> HttpResponse:
        own = memberships(request)
        chosen = request.session.get(CHOSEN) if own else None
        current = next((m for m in own if str(m.organization_id) == chosen), None)
        current = current or next(iter(own), None)
        request.memberships = own  # type: ignore[attr-defined]
        request.membership = current  # type: ignore[attr-defined]
        request.organization = current and current.organization  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


def memberships(request: HttpRequest) -> list[Membership]:
    """All of the person's memberships in one query: the sidebar offers to switch between them."""
    if not request.user.is_authenticated:
        return []
    own = Membership.objects.filter(user=request.user)
    return list(own.select_related("organization").order_by("created_at", "pk"))
