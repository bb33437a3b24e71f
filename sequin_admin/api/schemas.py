"""What goes in and out. The kinds' shapes come from their declarations."""

from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainSerializer

from sequin_admin.api.errors import INVALID, ApiError
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import MASK, Properties
from sequin_admin.limits import models as limits

# Every kind's own shape, told apart by `kind`, which has no default.
PROPERTIES: Any = reduce(or_, (kind.properties_class for kind in kinds.all()))


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC, to the second and with Z, as in the specification's examples."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


HealthStatus = Literal["healthy", "customer_intervention", "sequin_intervention"]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)


def no_flag(value: Any) -> Any:
    """Pydantic takes true for 1, JSON Schema does not."""
    if isinstance(value, bool):
        raise ValueError("Send a number.")
    return value


Whole = Annotated[int, BeforeValidator(no_flag)]


class RateLimitShape(Strict):
    """`interval` is in milliseconds; `max_concurrent_requests` 0 means no cap."""

    allowed_requests: Whole = Field(ge=1, le=1_000_000)
    interval: Whole = Field(ge=100, le=limits.DAY_MS)
    max_concurrent_requests: Whole = Field(ge=0, le=10_000)


def mail_address(text: str) -> str:
    """Raises `ValueError` for what no mail could be sent to. Empty takes the address away."""
    try:
        validate_email(text or "none@example.com")
    except ValidationError:
        raise ValueError("Send one mail address, or an empty text for none.") from None
    return text


class CredentialImport(Strict):
    properties: PROPERTIES = Field(discriminator="kind")
    name: str | None = Field(default=None, max_length=200)
    oauth_app_id: UUID | None = Field(
        default=None, description="The OAuth app whose client the tokens were issued to."
    )
    metadata: dict[str, Any] | None = None
    rate_limit: RateLimitShape | None = None


class CredentialPatch(Strict):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: dict[str, Any] | None = None
    rate_limit: RateLimitShape | None = None


class Contact(Strict):
    """Not part of the credential's own shape, which is the specification's."""

    contact_email: Annotated[str, AfterValidator(mail_address), Field(max_length=254)] = Field(
        description="Whom of the customer to mail for what only they can mend. Empty: nobody."
    )


class Health(Schema):
    status: HealthStatus


class OAuthAppShape(Schema):
    id: str
    provider: str
    name: str
    client_id: str
    client_secret: str = Field(description="Asterisks, unless truncate_secrets is false.")
    properties: dict[str, Any] = Field(description="What the provider has besides: GitHub's slug.")
    scopes: list[str]
    redirect_uris: list[str]
    health: Health
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


class CredentialShape(Schema):
    id: str
    name: str
    provider: str
    kind: str
    properties: dict[str, Any] = Field(description="By kind; secrets are asterisks.")
    oauth_app_id: str | None
    oauth_app: OAuthAppShape | None
    health: Health
    rate_limit: RateLimitShape
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


class CredentialList(Schema):
    data: list[CredentialShape]
    next_cursor: str | None


class OAuthAppList(Schema):
    data: list[OAuthAppShape]
    next_cursor: str | None


def refuse_blank(properties: Properties) -> None:
    """Raises 422 for required properties that are there but empty."""
    given = properties.plain_values()
    required = [n for n in properties.names() if type(properties).model_fields[n].is_required()]
    blank = [name for name in required if given.get(name, "") == ""]
    if blank:
        raise ApiError(
            422, INVALID, {f"properties.{n}": ["This must not be empty."] for n in blank}
        )


def health_of(watched: Any) -> dict[str, str]:
    """The specification knows three statuses; nothing is held against what was not probed yet."""
    return {"status": watched.health_status or "healthy"}


def credential_out(credential: Credential) -> dict[str, Any]:
    app = credential.oauth_app
    return {
        "id": str(credential.pk),
        "name": credential.name,
        "provider": credential.provider,
        "kind": credential.kind,
        "properties": credential.masked_properties(),
        "oauth_app_id": str(app.pk) if app else None,
        "oauth_app": oauth_app_out(app) if app else None,
        "health": health_of(credential),
        "rate_limit": limits.of(credential).as_json(),
        "metadata": credential.metadata,
        "created_at": credential.created_at,
        "updated_at": credential.updated_at,
    }


def oauth_app_out(app: OAuthApp, *, reveal: bool = False) -> dict[str, Any]:
    secrets = app.secrets if reveal else {}
    declared = app.properties_class.secret_names()
    hidden = {n: secrets.get(n, MASK) for n in declared if n != "client_secret"} if reveal else {}
    return {
        "id": str(app.pk),
        "provider": app.provider,
        "name": app.name,
        "client_id": app.client_id,
        "client_secret": secrets.get("client_secret", MASK),
        "properties": {**app.properties, **hidden},
        "scopes": list(app.asked_scopes),
        "redirect_uris": app.redirect_uris,
        "health": health_of(app),
        "metadata": app.metadata,
        "created_at": app.created_at,
        "updated_at": app.updated_at,
    }
