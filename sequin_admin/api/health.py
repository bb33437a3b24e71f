"""Health of a monitored object in full: the response of every `.../health`."""

from typing import Any
from uuid import UUID

from pydantic import Field

from sequin_admin.api.framework.columns import Made
from sequin_admin.api.framework.schemas import HealthStatus, Shape, Timestamp
from sequin_admin.core.monitored import Monitored
from sequin_admin.health import history, rollup
from sequin_admin.health.models import Check, Transition
from sequin_admin.health.status import Status

RECENT = 50
# Of what the checks of an account say.
CODE = "revoked"
MESSAGE = "HubSpot says that our access was revoked."
SENTENCE = "Arrakis revoked our access at HubSpot. Only they can grant it again."


class Health(Shape):
    """The health status alone. What was never probed counts as healthy."""

    status: HealthStatus


def status_out(health_status: str) -> dict[str, str]:
    """The specification has three statuses: what was not probed yet is healthy."""
    return {"status": health_status or Status.HEALTHY.value}


HEALTH = Made(status_out, ("health_status",))


class CheckShape(Shape):
    """The last result of one check, and since when it is the same."""

    name: str
    status: str
    verdict: str
    code: str = Field(examples=[CODE])
    message: str = Field(examples=[MESSAGE])
    remedy: str = Field(examples=["Ask the customer to connect again."])
    first_seen_at: Timestamp
    last_seen_at: Timestamp
    times: int


class ReasonShape(Shape):
    """One link of the chain: `entity` is credential, oauth_app, sync, consumer or target."""

    status: HealthStatus
    entity: str = Field(examples=["credential"])
    id: UUID
    name: str
    since: Timestamp
    code: str = Field(examples=[CODE])
    sentence: str = Field(examples=[SENTENCE])


class TransitionShape(Shape):
    """A change of the health status."""

    at: Timestamp
    before: str
    after: str
    code: str = Field(examples=[CODE])
    reason: str


class HealthDetail(Health):
    """`reasons` has the chain of the reason that won, down to the one at the bottom. `history` is
    newest first; `uptime` is the share of the last 90 days that was healthy, as far as known."""

    note: str
    since: Timestamp | None
    checked_at: Timestamp | None
    checks: list[CheckShape]
    reasons: list[ReasonShape]
    history: list[TransitionShape]
    uptime: float | None


def health_detail(subject: Monitored) -> dict[str, Any]:
    winner = next(iter(rollup.list_reasons(subject)), None)
    return {
        **status_out(subject.health_status),
        "note": subject.health_note,
        "since": subject.health_since,
        "checked_at": subject.checked_at,
        "checks": [check_out(check) for check in Check.objects.about(subject)],
        "reasons": winner.chain() if winner else [],
        "history": list(Transition.objects.about(subject)[:RECENT]),
        "uptime": history.get_history(subject, history.QUARTER).uptime,
    }


def check_out(check: Check) -> dict[str, Any]:
    same = {name: getattr(check, name) for name in CheckShape.model_fields if name != "name"}
    return {"name": check.check_name, **same}
