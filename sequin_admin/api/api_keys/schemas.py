"""Schemas of /v1/api-keys."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from sequin_admin.access import keys
from sequin_admin.access.models import ApiKey, ApiKeyState, Scope
from sequin_admin.api.framework.schemas import Body, Moment, Shape, Timestamp
from sequin_admin.core import clock

NULLABLE = ("requests_per_minute", "expires_at")
# These change without a change of the key, so they are not part of its ETag.
NOT_IN_ETAG = ("state", "last_used_at", "former_token")

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
EXAMPLE_END = "2030-01-01T00:00:00Z"
EXAMPLE_NETWORKS = ["192.0.2.0/24"]
EXAMPLE_PREFIX = "sqn_n7fF6-rA"


class KeyCreate(Body):
    """What a new API key may do, from where and until when."""

    examples = {
        "worker": {"name": "Sync worker", "scopes": ["secrets", "permits"]},
        "from one network, for a while": {
            "name": "Reports",
            "scopes": ["read"],
            "networks": EXAMPLE_NETWORKS,
            "requests_per_minute": 600,
            "expires_at": EXAMPLE_END,
        },
    }

    name: Name
    scopes: Scopes
    networks: Networks = Field(default_factory=list)
    requests_per_minute: PerMinute = None
    expires_at: Moment | None = ENDS


class KeyPatch(Body):
    """What is left out stays as it is."""

    examples = {
        "rename": {"name": "Sync worker, west"},
        "from anywhere": {"networks": [], "requests_per_minute": None},
    }

    name: Name | None = None
    scopes: Scopes | None = None
    networks: Networks | None = None
    requests_per_minute: PerMinute = None
    expires_at: Moment | None = ENDS

    def columns(self) -> dict[str, Any]:
        """The columns that were sent. Null is a value for `NULLABLE` only, elsewhere ignored."""
        sent = self.model_dump(exclude_unset=True)
        return {n: v for n, v in sent.items() if v is not None or n in NULLABLE}


class Rotation(Body):
    """How long the former token of a rotated key stays valid."""

    examples = {"within a day": {}, "at once": {"overlap_hours": 0}}

    overlap_hours: int = Field(
        default=keys.OVERLAP_H,
        ge=0,
        le=keys.LONGEST_OVERLAP_H,
        description="How long the token until now stays good.",
    )


class FormerToken(Shape):
    """The token from before a rotation, which is valid `until` then."""

    prefix: str
    until: Timestamp
    last_used_at: Timestamp | None


class KeyShape(Shape):
    """An API key. Of its token only the prefix is shown."""

    id: UUID
    name: str = Field(examples=["Sync worker"])
    prefix: str = Field(description="How its token begins.", examples=[EXAMPLE_PREFIX])
    scopes: list[str] = Field(examples=[["permits", "secrets"]])
    networks: list[str] = Field(examples=[EXAMPLE_NETWORKS])
    requests_per_minute: int | None = Field(
        description="Null: as many as is usual here.", examples=[600]
    )
    state: ApiKeyState
    former_token: FormerToken | None = Field(
        description="After a rotation, while it is good.", examples=[None]
    )
    expires_at: Timestamp | None = Field(examples=[EXAMPLE_END])
    last_used_at: Timestamp | None = Field(description="To about five minutes.")
    created_at: Timestamp
    revoked_at: Timestamp | None = Field(examples=[None])


class KeyWithToken(KeyShape):
    """An API key with its token, which is shown this once."""

    token: str = Field(
        description="Send it as Authorization: Bearer. Shown once.",
        examples=[f"{EXAMPLE_PREFIX}..."],
    )


class KeyList(Shape):
    """A page of API keys."""

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
        "former_token": former if key.is_rotating(now) and not key.revoked_at else None,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


def etag_fields(shown: dict[str, Any]) -> dict[str, Any]:
    """The fields that the ETag covers: without those that change by themselves."""
    return {name: value for name, value in shown.items() if name not in NOT_IN_ETAG}
