"""/v1/incidents"""

from typing import Any, Literal
from uuid import UUID

from ninja import Query, Router, Schema
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.auth import Call, allow
from sequin_admin.api.errors import ERRORS, ApiError
from sequin_admin.api.pages import Paged, page_of
from sequin_admin.api.schemas import HealthStatus, Timestamp
from sequin_admin.health.models import Incident

router = Router(tags=["Health"])


class IncidentShape(Schema):
    """`status` says who must act; null is nobody, for a provider that is down."""

    id: UUID
    status: HealthStatus | None
    entity: str = Field(description="credential, oauth_app, sync, consumer, target or provider.")
    entity_id: UUID
    name: str
    provider: str
    code: str
    message: str
    affected: int
    opened_at: Timestamp
    resolved_at: Timestamp | None
    resolution: str


class IncidentList(Schema):
    data: list[IncidentShape]
    next_cursor: str | None


class Filters(Paged):
    state: Literal["open", "resolved", "all"] = "all"
    status: Literal["customer_intervention", "sequin_intervention", "nobody"] | None = Field(
        default=None, description="Who must act: nobody when a provider is down."
    )
    provider: str = ""
    entity_id: UUID | None = None


@router.get("", response={200: IncidentList, **ERRORS})
def list_incidents(request: Call, filters: Query[Filters]) -> Any:
    """Newest first; they are kept for 90 days after their end."""
    filters.refuse_unknown(request)
    rows = Incident.objects.of(allow(request, Scope.READ))
    if filters.state != "all":
        rows = rows.filter(resolved_at__isnull=filters.state == "open")
    if filters.status:
        rows = rows.filter(status="" if filters.status == "nobody" else filters.status)
    if filters.provider:
        rows = rows.filter(provider=filters.provider)
    if filters.entity_id:
        rows = rows.filter(entity_id=filters.entity_id)
    page, following = page_of(rows, sort="-opened_at", cursor=filters.cursor, limit=filters.limit)
    return {"data": [incident_out(row) for row in page], "next_cursor": following}


@router.get("/{incident_id}", response={200: IncidentShape, **ERRORS})
def get_incident(request: Call, incident_id: UUID) -> Any:
    """One cause of trouble: who must act, since when, and what took it over."""
    incident = Incident.objects.of(allow(request, Scope.READ)).filter(pk=incident_id).first()
    if incident is None:
        raise ApiError(404, "There is no such incident in your organization.")
    return incident_out(incident)


def incident_out(incident: Incident) -> dict[str, Any]:
    same = {name: getattr(incident, name) for name in IncidentShape.model_fields}
    return {**same, "status": incident.status or None}
