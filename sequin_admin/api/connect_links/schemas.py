"""Schemas of /v1/connect-links."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from sequin_admin.api.credentials.schemas import check_mail_address
from sequin_admin.api.framework.schemas import (
    EXAMPLE_ID,
    Body,
    Metadata,
    OneOf,
    Shape,
    Timestamp,
    either,
)
from sequin_admin.connect import links
from sequin_admin.connect.models import ENDED, ConnectLink
from sequin_admin.core.languages import LANGUAGES
from sequin_admin.credentials import kinds

MAX_LIFETIME_S = int(links.MAX_LIFETIME.total_seconds())
MAX_LINKS = 500
# Whether its customer has seen an open link is told by `opened_at`.
OPEN = "open"
PublicState = Annotated[str, OneOf(OPEN, *ENDED)]
KindSlug = Annotated[str, Field(json_schema_extra={"enum": [k.slug for k in kinds.all()]})]
Expiry = Field(default=MAX_LIFETIME_S, ge=60, le=MAX_LIFETIME_S, description="Up to 7 days.")
LANGUAGE = "Of the pages and mails that the customer sees. Empty: the link's, then the browser's."
CONTACT = "The customer's mail address, to which the link can be sent; the credential gets it, too."
Address = Annotated[str, AfterValidator(check_mail_address)]
Language = Annotated[str, OneOf("", *LANGUAGES)]
NAME = "Of the credential to come; the customer sees it, too. Empty: the account's name."


class LinkCreate(Body):
    """Either `kinds`, for a new credential, or `reconnects`, for one that its customer connects
    again. With `reconnects` everything but `expires_in_s` and `language` comes from the
    credential."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": either(kinds="array", reconnects="string")}
    )
    examples = {
        "connect": {
            "kinds": ["hubspot_oauth2"],
            "oauth_app_id": EXAMPLE_ID,
            "name": "Arrakis",
            "metadata": {"customer": "arrakis"},
        },
        "reconnect": {"reconnects": EXAMPLE_ID, "expires_in_s": 86_400},
    }

    kinds: list[KindSlug] | None = Field(
        default=None, min_length=1, max_length=10, description="Of one provider; they choose one."
    )
    reconnects: UUID | None = Field(default=None, description="The credential to connect again.")
    oauth_app_id: UUID | None = Field(
        default=None, description="Needed when a kind connects through an OAuth app of yours."
    )
    name: str = Field(default="", max_length=200, description=NAME)
    metadata: Metadata = Field(default_factory=dict, description="Kept on the credential.")
    redirect_url: str = Field(
        default="",
        max_length=2000,
        description="Where the customer goes afterwards: a redirect URI of the OAuth app. Empty: "
        "a page says thank you.",
    )
    contact_email: Address = Field(default="", max_length=254, description=CONTACT)
    language: Language = Field(default="", description=LANGUAGE)
    expires_in_s: int = Expiry


class LinkPatch(Body):
    """What is left out stays as it is. Name, metadata and contact are for the credential that the
    link will bring; one that reconnects has its credential's contact."""

    examples = {"rename": {"name": "Arrakis, west"}}

    name: str | None = Field(default=None, max_length=200, description=NAME)
    metadata: Metadata | None = None
    contact_email: Address | None = Field(default=None, max_length=254, description=CONTACT)
    language: Language | None = Field(default=None, description=LANGUAGE)


class BulkReconnect(Body):
    """The credentials that are to get a link each."""

    examples = {"one customer": {"credential_ids": [EXAMPLE_ID]}}

    credential_ids: list[UUID] = Field(min_length=1, max_length=MAX_LINKS)
    language: Language = Field(default="", description=LANGUAGE)
    expires_in_s: int = Expiry


class LinkShape(Shape):
    """An invitation to connect one account. An open link works once."""

    id: UUID
    state: PublicState
    provider: str
    kinds: list[str]
    oauth_app_id: UUID | None
    reconnects: UUID | None
    name: str
    metadata: dict[str, Any]
    redirect_url: str = Field(examples=["https://app.arrakis.example/connected"])
    contact_email: str = Field(description="Of the credential to come.", examples=[""])
    language: str = Field(description="Empty: that of the customer's browser.", examples=["de"])
    remind_at: Timestamp | None = Field(description="When its contact is reminded, if it is open.")
    batch: UUID | None = Field(description="The same for links that were made in bulk.")
    url: str | None = Field(
        description="What the customer is sent. The answer that makes the link has it; later it "
        "takes the scope `secrets`, and in lists `urls`. Null otherwise, and once the link is "
        "over.",
        examples=["https://sequin.arrakis.example/link/connect/Jx3kQ9"],
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
    """A page of connect links."""

    data: list[LinkShape]
    next_cursor: str | None


class LeftOut(Shape):
    """A credential that got no link, and why."""

    credential_id: UUID
    reason: str


class BulkLinks(Shape):
    """`batch` finds the links again in the list. `left_out` got none, and says why."""

    batch: UUID
    data: list[LinkShape]
    left_out: list[LeftOut]


PLAIN = ("provider", "kinds", "oauth_app_id", "name", "metadata", "redirect_url", "batch",
         "contact_email", "language", "remind_at",
         "created_at", "expires_at", "opened_at", "failure", "failed_at", "completed_at",
         "revoked_at", "credential_id")  # fmt: skip


def link_out(link: ConnectLink) -> dict[str, Any]:
    """Without its `url`."""
    return {
        "id": link.pk,
        "state": OPEN if link.is_open else link.state.value,
        "reconnects": link.reconnects_id,
        **{name: getattr(link, name) for name in PLAIN},
    }


def with_url(link: ConnectLink, shown: dict[str, Any], *, reveal: bool = True) -> dict[str, Any]:
    return {**shown, "url": (links.address(link) or None) if reveal else None}
