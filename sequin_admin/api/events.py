"""/v1/events: the audit log, which is append-only and so read-only here."""

from typing import Any, Literal

from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.pagination import PageParams, Rows, Since, paginate_request
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import Shape, Timestamp
from sequin_admin.audit.models import Event

router = Resource(
    "Events",
    "The audit log: who did what, when.",
)


class AuditEvent(Shape):
    """Who did what to which object. `details` never holds a secret."""

    id: int
    at: Timestamp
    action: str
    actor: str = Field(description="What the actor was called at the time.")
    actor_type: str = Field(description="user, apikey, connectlink, system, unknown...")
    actor_id: str = Field(description="Empty for the system itself.")
    target: str = Field(description="What the object was called at the time.")
    target_type: str
    target_id: str
    details: dict[str, Any]
    address: str = Field(description="Where the actor called from, where that is known.")
    user_agent: str = Field(description="What the actor's program called itself, cut.")


class AuditEventList(Shape):
    """A page of audit events."""

    data: list[AuditEvent]
    next_cursor: str | None


class EventFilters(PageParams):
    """Query parameters of the audit log."""

    equal = ("action", "actor_id", "target_type", "target_id")
    # Ids are in the order of time.
    sort_columns = {"at": "id"}

    sort: Literal["at", "-at"] = "-at"
    action: str = Field(default="", description="The whole name, such as credential.created.")
    actor_id: str = ""
    target_type: str = ""
    target_id: str = ""
    since: Since | None = None
    until: Since | None = Field(default=None, description="Up to, but without, this moment.")

    def narrow(self, rows: Rows) -> Rows:
        rows = super().narrow(rows)
        rows = rows.filter(at__gte=self.since) if self.since else rows
        return rows.filter(at__lt=self.until) if self.until else rows


@router.get("", response={200: AuditEventList, **ERRORS})
def list_events(request: ApiRequest, filters: Query[EventFilters]) -> dict[str, Any]:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    rows = Event.objects.of(require_scope(request, Scope.READ).pk)
    page, following = paginate_request(request, filters, rows)
    return {"data": page, "next_cursor": following}


@router.get("/{event_id}", response={200: AuditEvent, **ERRORS})
def get_event(request: ApiRequest, event_id: int) -> Event:
    """One event. Events never change."""
    return get_or_404(Event.objects.of(require_scope(request, Scope.READ).pk), event_id, "event")
