"""/v1/events: the audit log. It is only ever added to, so there is nothing to change here."""

import re
from typing import Annotated, Any

from ninja import Query, Router, Schema
from pydantic import AwareDatetime, BeforeValidator, Field

from sequin_admin.access.models import Scope
from sequin_admin.api.auth import Call, allow
from sequin_admin.api.credentials import moment
from sequin_admin.api.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.pages import Paged
from sequin_admin.api.schemas import Timestamp
from sequin_admin.audit.models import Event, EventQuerySet

router = Router(tags=["Events"])

Moment = Annotated[AwareDatetime, BeforeValidator(moment)]
# As long as ids of the database can be.
CURSOR = r"[0-9]{1,18}"


class AuditEvent(Schema):
    """Who did what to which object. `details` never holds a secret."""

    id: int
    at: Timestamp
    action: str
    actor: str = Field(description="What the actor was called at the time.")
    actor_type: str = Field(description="user, apikey, connectlink, system...")
    actor_id: str = Field(description="Empty for the system itself.")
    target: str = Field(description="What the object was called at the time.")
    target_type: str
    target_id: str
    details: dict[str, Any]


class AuditEventList(Schema):
    data: list[AuditEvent]
    next_cursor: str | None


class Filters(Paged):
    action: str = Field(default="", description="The whole name, such as credential.created.")
    actor_id: str = ""
    target_type: str = ""
    target_id: str = ""
    since: Moment | None = None
    until: Moment | None = Field(default=None, description="Up to, but without, this moment.")


@router.get("", response={200: AuditEventList, **ERRORS})
def list_events(request: Call, filters: Query[Filters]) -> Any:
    """Newest first; follow `next_cursor` for more."""
    filters.refuse_unknown(request)
    rows = filtered(Event.objects.of(allow(request, Scope.READ).pk), filters)
    page, following = page_of_events(rows, filters.cursor, filters.limit)
    return {"data": page, "next_cursor": following}


def filtered(rows: EventQuerySet, filters: Filters) -> EventQuerySet:
    names = ("action", "actor_id", "target_type", "target_id")
    rows = rows.filter(**{n: getattr(filters, n) for n in names if getattr(filters, n)})
    rows = rows.filter(at__gte=filters.since) if filters.since else rows
    return rows.filter(at__lt=filters.until) if filters.until else rows


def page_of_events(rows: EventQuerySet, cursor: str, limit: int) -> tuple[list[Event], str | None]:
    """Ids rise as the log grows, so the last id alone is the place in it."""
    if cursor and not re.fullmatch(CURSOR, cursor):
        said = "Take next_cursor from the answer before, or leave it out."
        raise ApiError(422, INVALID, {"cursor": [said]})
    rows = rows.filter(pk__lt=int(cursor)) if cursor else rows
    found = list(rows.order_by("-id")[: limit + 1])
    return found[:limit], str(found[limit - 1].pk) if found[limit:] else None


@router.get("/{event_id}", response={200: AuditEvent, **ERRORS})
def get_event(request: Call, event_id: int) -> Any:
    """One event. Events never change."""
    event = Event.objects.of(allow(request, Scope.READ).pk).filter(pk=event_id).first()
    if event is None:
        raise ApiError(404, "There is no such event in your organization.")
    return event
