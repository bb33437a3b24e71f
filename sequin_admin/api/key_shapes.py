"""What goes in and out at /v1/api-keys."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, KeyState, Scope
from sequin_admin.api.schemas import Body, Shape, Timestamp
from sequin_admin.core import clock

NULLABLE = ("requests_per_minute", "expires_at")
# What changes without anybody changing the key, and so is no part of its ETag.
FLEETING = ("state", "last_used_at", "former_token")


def in_utc(at: datetime) -> datetime:
    """Raises `ValueError` for what is no time in UTC, such as the last hour of the year 9999."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("Choose a time before the year 9999.") from None


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=20)]
Networks = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(
        max_length=keys.MOST_NETWORKS,
        description="Where it may be used from, such as 192.0.2.0/24. Empty: from anywhere.",
    ),
]
PerMinute = Annotated[
    int | None,
    Field(ge=1, le=keys.MOST_PER_MINUTE, description="Null: as many as is usual here."),
]
ENDS = Field(default=None, description="Null: when it is revoked.")


class KeyCreate(Body):
    name: Name
    scopes: Scopes
    networks: Networks = Field(default_factory=list)
    requests_per_minute: PerMinute = None
    expires_at: Moment | None = ENDS


class KeyPatch(Body):
    """What is left out stays as it is."""

    name: Name | None = None
    scopes: Scopes | None = None
    networks: Networks | None = None
    requests_per_minute: PerMinute = None
    expires_at: Moment | None = ENDS

    def columns(self) -> dict[str, Any]:
        """What was sent. Null means something for the limit and the end; for the rest, nothing."""
        sent = self.model_dump(exclude_unset=True)
        return {n: v for n, v in sent.items() if v is not None or n in NULLABLE}


class Rotation(Body):
    overlap_hours: int = Field(
        default=keys.OVERLAP_H,
        ge=0,
        le=keys.LONGEST_OVERLAP_H,
        description="How long the token until now stays good.",
    )


class FormerToken(Shape):
    prefix: str
    until: Timestamp
    last_used_at: Timestamp | None


class KeyShape(Shape):
    id: UUID
    name: str
    prefix: str = Field(description="How its token begins.")
    scopes: list[str]
    networks: list[str]
    requests_per_minute: int | None = Field(description="Null: as many as is usual here.")
    state: KeyState
    former_token: FormerToken | None = Field(description="After a rotation, while it is good.")
    expires_at: Timestamp | None
    last_used_at: Timestamp | None = Field(description="To about five minutes.")
    created_at: Timestamp
    revoked_at: Timestamp | None


class KeyWithToken(KeyShape):
    token: str = Field(description="Send it as Authorization: Bearer. Shown once.")


class KeyList(Shape):
    data: list[KeyShape]
    next_cursor: str | None


def key_out(key: ApiKey) -> dict[str, Any]:
    now = clock.now()
    former = {
        "prefix": key.former_prefix,
        "until": key.former_until,
        "last_used_at": key.former_used_at,
    }
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "networks": key.networks,
        "requests_per_minute": key.requests_per_minute,
        "state": key.state(now),
        "former_token": former if key.rotates(now) and not key.revoked_at else None,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


def lasting(shown: dict[str, Any]) -> dict[str, Any]:
    """What the ETag is of: the rotation's end and the last use are nobody's change."""
    return {name: value for name, value in shown.items() if name not in FLEETING}
