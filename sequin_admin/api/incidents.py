"""/v1/incidents"""

from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Query
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.pagination import (
    TEXT_CHARS,
    PageParams,
    paginate_request,
    search_rows,
)
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import HealthStatus, OneOf, Shape, Timestamp
from sequin_admin.api.health import CODE, MESSAGE
from sequin_admin.health.models import Incident
from sequin_admin.health.status import Status

router = Resource("Health")
NOBODY = "nobody"


class IncidentShape(Shape):
    """`status` says who must act; null is nobody, for a provider that is down."""

    id: UUID
    cause_id: UUID | None = Field(description="The fault that it is of, with others like it.")
    status: HealthStatus | None
    entity: str = Field(
        description="credential, oauth_app, sync, consumer, target or provider.",
        examples=["credential"],
    )
    entity_id: UUID
    name: str
    provider: str
    code: str = Field(examples=[CODE])
    message: str = Field(examples=[MESSAGE])
    affected: int
    opened_at: Timestamp
    resolved_at: Timestamp | None
    resolution: str


class IncidentList(Shape):
    """A page of incidents."""

    data: list[IncidentShape]
    next_cursor: str | None


class IncidentFilters(PageParams):
    """Query parameters of the list of incidents."""

    equal = ("provider", "entity", "entity_id", "cause_id")

    sort: Literal["opened_at", "-opened_at"] = "-opened_at"
    state: Literal["open", "resolved", "all"] = "all"
    status: Annotated[str, OneOf(Status.CUSTOMER, Status.SEQUIN, NOBODY)] | None = Field(
        default=None, description="Who must act: nobody when a provider is down."
    )
    provider: str = ""
    entity: str = Field(default="", max_length=20)
    entity_id: UUID | None = None
    cause_id: UUID | None = None
    search: str = Field(default="", max_length=TEXT_CHARS, description="Part of the name.")

    def narrow(self, rows: Any) -> Any:
        rows = super().narrow(rows)
        rows = search_rows(rows, self.search)
        if self.status:
            rows = rows.filter(status="" if self.status == NOBODY else self.status)
        is_open = self.state == "open"
        return rows if self.state == "all" else rows.filter(resolved_at__isnull=is_open)


@router.get("", response={200: IncidentList, **ERRORS})
def list_incidents(request: ApiRequest, filters: Query[IncidentFilters]) -> dict[str, Any]:
    """Newest first unless sorted otherwise; they are kept for 90 days after their end, or
    as many as the server is set to."""
    rows = Incident.objects.of(require_scope(request, Scope.READ))
    page, following = paginate_request(request, filters, rows)
    return {"data": [incident_out(row) for row in page], "next_cursor": following}


@router.get("/{incident_id}", response={200: IncidentShape, **ERRORS})
def get_incident(request: ApiRequest, incident_id: UUID) -> dict[str, Any]:
    """One incident: who must act, since when, and how it was resolved."""
    rows = Incident.objects.of(require_scope(request, Scope.READ))
    return incident_out(get_or_404(rows, incident_id, "incident"))


def incident_out(incident: Incident) -> dict[str, Any]:
    same = {name: getattr(incident, name) for name in IncidentShape.model_fields}
    return {**same, "status": incident.status or None}
