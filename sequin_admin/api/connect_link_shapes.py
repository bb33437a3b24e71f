"""What goes in and out of /v1/connect-links."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from sequin_admin.api.schemas import Body, Shape, Timestamp
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.credentials import kinds

LONGEST_S = int(links.LONGEST.total_seconds())
MOST_AT_ONCE = 500
LinkState = Literal["open", "completed", "revoked", "expired"]
KindSlug = Annotated[str, Field(json_schema_extra={"enum": [k.slug for k in kinds.all()]})]
Expiry = Field(default=LONGEST_S, ge=60, le=LONGEST_S, description="Up to 7 days.")
NAME = "Of the credential to come; the customer sees it, too. Empty: the account's name."


# Either the one or the other, and the other one missing or null.
EITHER: list[JsonValue] = [
    {"required": [name], "properties": {name: {"type": type_}, other: {"type": "null"}}}
    for name, type_, other in (("kinds", "array", "reconnects"), ("reconnects", "string", "kinds"))
]


class LinkCreate(Body):
    """Either `kinds`, for a new credential, or `reconnects`, for one that its customer mends.
    With `reconnects` the credential says the rest, but for `expires_in_s`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": EITHER})

    kinds: list[KindSlug] | None = Field(
        default=None, min_length=1, max_length=10, description="Of one provider; they choose one."
    )
    reconnects: UUID | None = Field(default=None, description="The credential to connect again.")
    oauth_app_id: UUID | None = Field(
        default=None, description="Needed when a kind connects through an OAuth app of yours."
    )
    name: str = Field(default="", max_length=200, description=NAME)
    metadata: dict[str, Any] = Field(default_factory=dict, description="Kept on the credential.")
    redirect_url: str = Field(
        default="",
        max_length=2000,
        description="Where the customer goes afterwards: a redirect URI of the OAuth app. Empty: "
        "a page says thank you.",
    )
    expires_in_s: int = Expiry


class LinkPatch(Body):
    name: str | None = Field(default=None, max_length=200, description=NAME)
    metadata: dict[str, Any] | None = None


class BulkReconnect(Body):
    credential_ids: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)
    expires_in_s: int = Expiry


class LinkShape(Shape):
    """An invitation to connect one account. An open link works once."""

    id: UUID
    state: LinkState
    provider: str
    kinds: list[str]
    oauth_app_id: UUID | None
    reconnects: UUID | None
    name: str
    metadata: dict[str, Any]
    redirect_url: str
    batch: UUID | None = Field(description="The same for links that were made in bulk.")
    url: str | None = Field(
        description="What the customer is sent. Null once the link is over, without the scope "
        "write, and in lists unless they ask for `urls`."
    )
    created_at: Timestamp
    expires_at: Timestamp
    opened_at: Timestamp | None = Field(description="When the customer saw it first.")
    failure: str = Field(description="Why the customer did not get through the last time.")
    failed_at: Timestamp | None
    completed_at: Timestamp | None
    revoked_at: Timestamp | None
    credential_id: UUID | None = Field(description="What came of it.")


class LinkList(Shape):
    data: list[LinkShape]
    next_cursor: str | None


class LeftOut(Shape):
    credential_id: UUID
    reason: str


class BulkLinks(Shape):
    """`batch` finds the links again in the list. `left_out` got none, and says why."""

    batch: UUID
    data: list[LinkShape]
    left_out: list[LeftOut]


PLAIN = ("provider", "kinds", "oauth_app_id", "name", "metadata", "redirect_url", "batch",
         "created_at", "expires_at", "opened_at", "failure", "failed_at", "completed_at",
         "revoked_at", "credential_id")  # fmt: skip


def link_out(link: ConnectLink) -> dict[str, Any]:
    """Without its address."""
    return {
        "id": link.pk,
        "state": "open" if link.is_open else link.state.value,
        "reconnects": link.reconnects_id,
        **{name: getattr(link, name) for name in PLAIN},
    }


def with_url(link: ConnectLink, shown: dict[str, Any], *, reveal: bool = True) -> dict[str, Any]:
    return {**shown, "url": (links.address(link) or None) if reveal else None}
