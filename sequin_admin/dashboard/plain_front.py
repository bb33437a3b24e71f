"""The front of a page whose subject nobody checks: an API key, a stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sequin_admin.access.models import ApiKey, ApiKeyState
from sequin_admin.core import clock
from sequin_admin.dashboard.front import Dependant

WHOSE_MOVE = {
    ApiKeyState.ACTIVE: "Nobody's",
    ApiKeyState.ROTATING: "Ours, to give the new token to every program",
    ApiKeyState.EXPIRED: "Ours, if programs still need one",
    ApiKeyState.REVOKED: "Nobody's",
}


@dataclass(frozen=True)
class UseState:
    """Whether anything uses it, drawn as a badge."""

    label: str
    tone: str
    icon: str


@dataclass(frozen=True)
class PlainFront:
    """`step` is the template of the one button, `since` when the state began."""

    state: UseState | ApiKeyState
    since: datetime | None
    whose_move: str
    step: str
    dependants: Sequence[Dependant] = ()


def front_of_key(key: ApiKey) -> PlainFront:
    """Nothing here depends on a key: the programs that send it are elsewhere."""
    state = key.state(clock.now())
    began = {
        ApiKeyState.ACTIVE: key.created_at,
        ApiKeyState.EXPIRED: key.expires_at,
        ApiKeyState.REVOKED: key.revoked_at,
    }
    return PlainFront(state, began.get(state), WHOSE_MOVE[state], "api_keys/step.html")


def front_of_stream(syncs: int, listed: str, since: datetime) -> PlainFront:
    used = UseState("In use", "good", "check-circle")
    state = used if syncs else UseState("Not used yet", "idle", "minus-circle")
    whose = "Nobody's" if syncs else "Ours, to add a sync that writes to it"
    return PlainFront(
        state, since, whose, "streams/step.html", [Dependant(syncs, "sync", listed)] * bool(syncs)
    )
