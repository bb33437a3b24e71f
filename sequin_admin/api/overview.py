"""/v1/health: a summary of an organization's credentials, and what is broken."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import OneOf, Shape, Timestamp
from sequin_admin.api.health import TransitionShape
from sequin_admin.api.incidents import IncidentShape, incident_out
from sequin_admin.health import fleet
from sequin_admin.health.models import Incident, Transition
from sequin_admin.health.status import Status

router = Resource(
    "Health",
    "What is broken, since when, and who must act.",
)

MAX_INCIDENTS = 100  # of each owner
MAX_TRANSITIONS = 20
UNPROBED = "unprobed"


class CountsShape(Shape):
    """The statuses leave out what is disabled."""

    total: int
    healthy: int
    customer_intervention: int
    sequin_intervention: int
    unprobed: int = Field(description="Not checked yet.")
    disabled: int


class ProviderShape(Shape):
    """How many credentials a provider has, and the worst status among them."""

    provider: str
    title: str
    credentials: int
    status: Annotated[str, OneOf(*Status.values, UNPROBED, "disabled")] = Field(
        description="Of the sickest."
    )


class NamedTransition(TransitionShape):
    """A change of the health status, with the object that it is of."""

    entity: str = Field(examples=["credential"])
    entity_id: UUID
    name: str


class Overview(Shape):
    """The state of the whole organization at `counted_at`."""

    counted_at: Timestamp = Field(description="A large fleet is counted every 15 seconds.")
    credentials: CountsShape
    providers: list[ProviderShape]
    open_incidents: int
    incidents: list[IncidentShape] = Field(
        description=f"Open ones: what is down first, then ours, then the customers', up to "
        f"{MAX_INCIDENTS} of each. /v1/incidents?state=open has all."
    )
    transitions: list[NamedTransition] = Field(description="What changed last, newest first.")


@router.get("", response={200: Overview, **ERRORS})
def health_overview(request: ApiRequest) -> dict[str, Any]:
    """How many credentials are healthy, who must act on the others, and what changed."""
    organization = require_scope(request, Scope.READ)
    census = fleet.get_census(organization)
    mine = fleet.our_incidents_and_outages(organization, MAX_INCIDENTS)
    theirs = fleet.customer_incidents(organization)[:MAX_INCIDENTS]
    return {
        "counted_at": census.at,
        "credentials": counts_out(census),
        "providers": [provider_out(each) for each in census.providers],
        "open_incidents": Incident.objects.of(organization).open().count(),
        "incidents": [incident_out(each) for each in (*mine["outages"], *mine["ours"], *theirs)],
        "transitions": list(Transition.objects.of(organization)[:MAX_TRANSITIONS]),
    }


def counts_out(census: fleet.Census) -> dict[str, int]:
    return {
        "total": census.total,
        **{status.value: census.by_status.get(status, 0) for status in Status},
        UNPROBED: census.by_status.get("", 0),
        "disabled": census.disabled,
    }


def provider_out(counted: fleet.ProviderCount) -> dict[str, Any]:
    return {
        "provider": counted.provider,
        "title": counted.title,
        "credentials": counted.count,
        "status": counted.status or UNPROBED,
    }
