"""Schemas of requests and responses. Those of properties come from the kinds' declarations."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from sequin_admin.api.framework.errors import INVALID, ApiError
from sequin_admin.connect.entered import MergeResult
from sequin_admin.core.metadata import check_metadata
from sequin_admin.core.wrapping import trim
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import MASK, InvalidEntry, Properties
from sequin_admin.limits import models as limits

# The union of every kind's properties; the discriminator `kind` has no default.
PROPERTIES: Any = reduce(or_, (kind.properties_class for kind in kinds.all()))


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC, to the second and with Z, as in the specification's examples."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


# The bounds of everybody's metadata; responses may hold longer ones from before.
Metadata = Annotated[dict[str, Any], AfterValidator(check_metadata)]


HealthStatus = Literal["healthy", "customer_intervention", "sequin_intervention"]


class Shape(BaseModel):
    """Base of responses. Ninja's `Schema` reads each value in Python: a fifth of a list's time."""

    model_config = ConfigDict(from_attributes=True)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)


class Body(Strict):
    """Base of request bodies. In JSON, `"5"` is no number and neither is `true`."""

    @model_validator(mode="before")
    @classmethod
    def _types_of_json(cls, values: Any) -> Any:
        fields = cls.model_fields.items() if isinstance(values, dict) else ()
        messages = {
            name: sentence
            for name, field in fields
            if (sentence := wrong_type(field, values.get(field.alias or name)))
        }
        if messages:
            raise PydanticCustomError(
                "contradiction", "{names}", {"names": list(messages), **messages}
            )
        if fields and isinstance(values.get("name"), str):
            # Of a name that nobody would see, nothing is left.
            values = {**values, "name": trim(values["name"])}
        return values


def wrong_type(field: FieldInfo, value: Any) -> str:
    """A message where pydantic would convert text, true or 1 to another type; else empty."""
    named = (field.annotation, *get_args(field.annotation))
    wanted = {getattr(each, "__origin__", each) for each in named}
    if isinstance(value, (bool, str)) and wanted & {int, float} and type(value) not in wanted:
        return "Send a number."
    if isinstance(value, (int, float, str)) and bool in wanted and not isinstance(value, bool):
        return "Send true or false."
    return ""


class RateLimitShape(Body):
    """`interval` is in milliseconds; `max_concurrent_requests` 0 means no cap."""

    allowed_requests: int = Field(ge=1, le=1_000_000)
    interval: int = Field(ge=100, le=limits.DAY_MS)
    max_concurrent_requests: int = Field(ge=0, le=10_000)


def check_mail_address(text: str) -> str:
    """Raises `ValueError` for an invalid mail address. Empty removes the address."""
    try:
        validate_email(text or "none@example.com")
    except ValidationError:
        raise ValueError("Send one mail address, or an empty text for none.") from None
    return text


class CredentialImport(Body):
    properties: PROPERTIES = Field(discriminator="kind")
    name: str | None = Field(default=None, max_length=200)
    oauth_app_id: UUID | None = Field(
        default=None, description="The OAuth app whose client the tokens were issued to."
    )
    metadata: Metadata | None = None
    rate_limit: RateLimitShape | None = None


class CredentialPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: Metadata | None = None
    rate_limit: RateLimitShape | None = None


class Contact(Body):
    """Not part of the credential's own shape, which is the specification's."""

    contact_email: Annotated[str, AfterValidator(check_mail_address), Field(max_length=254)] = (
        Field(
            description="Whom of the customer to mail for what only they can mend. Empty: nobody.",
            json_schema_extra={"anyOf": [{"format": "email"}, {"maxLength": 0}]},
        )
    )


class Health(Shape):
    status: HealthStatus


class OAuthAppShape(Shape):
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


class CredentialShape(Shape):
    id: str
    name: str
    provider: str
    kind: str
    properties: dict[str, Any] = Field(
        description="By kind; secrets are asterisks, unless truncate_secrets is false. What is "
        "read can be posted as it is to import it; asterisks keep the secret that is stored."
    )
    oauth_app_id: str | None
    oauth_app: OAuthAppShape | None
    health: Health
    rate_limit: RateLimitShape
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


Unreadable = Annotated[
    dict[str, str],
    Field(
        description="Only with truncate_secrets=false: by id, why secrets could not be opened. "
        "Those rows are masked."
    ),
]


NOTICE = (
    "Only when something was not taken as it was sent: a token of the access that we hold already, "
    "and may have renewed since, for which the stored one was kept; a host, an id or a key that is "
    "kept in another form. Or when a password begins or ends with white space, which is kept."
)


class ImportedCredential(CredentialShape):
    notice: str | None = Field(default=None, description=NOTICE)


class CredentialList(Shape):
    data: list[CredentialShape]
    unreadable: Unreadable = {}
    next_cursor: str | None


class OAuthAppList(Shape):
    data: list[OAuthAppShape]
    unreadable: Unreadable = {}
    next_cursor: str | None


BLANK = "This must not be empty."


def blank_names(properties: Properties) -> list[str]:
    """Required properties that were sent empty."""
    given = properties.plain_values()
    required = [n for n in properties.names() if type(properties).model_fields[n].is_required()]
    return [name for name in required if given.get(name, "") == ""]


def refuse_blank(properties: Properties) -> None:
    """Raises 422 for required properties that were sent empty."""
    blank = blank_names(properties)
    if blank:
        raise ApiError(422, INVALID, {f"properties.{name}": [BLANK] for name in blank})


def entry_error(error: InvalidEntry, prefix: str = "properties.") -> ApiError:
    """422 that names each property of an entry that can't be taken."""
    return ApiError(422, INVALID, {f"{prefix}{n}": [text] for n, text in error.sentences.items()})


def health_out(monitored: Any) -> dict[str, str]:
    """The specification has three statuses: what was not probed yet is healthy."""
    return {"status": monitored.health_status or "healthy"}


# The columns that `credential_out()` reads: a list fetches only these.
CREDENTIAL_COLUMNS = (
    *("name", "kind", "properties", "secret_names", "oauth_app_id", "health_status", "rate_limit"),
    *("metadata", "created_at", "updated_at"),
)


def credential_out(
    credential: Credential, *, secrets: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Masked, unless the revealed `secrets` are given."""
    app, masked = credential.oauth_app, credential.masked_properties()
    return {
        "id": str(credential.pk),
        "name": credential.name,
        "provider": credential.provider,
        "kind": credential.kind,
        "properties": masked if secrets is None else credential.properties_with(secrets),
        "oauth_app_id": str(app.pk) if app else None,
        "oauth_app": oauth_app_out(app) if app else None,
        "health": health_out(credential),
        "rate_limit": limits.rate_limit_json(credential),
        "metadata": credential.metadata,
        "created_at": credential.created_at,
        "updated_at": credential.updated_at,
    }


def imported_out(
    credential: Credential, change: MergeResult, properties: Properties
) -> dict[str, Any]:
    """As `credential_out()`, with a notice about what was not taken as it was sent."""
    return credential_out(credential) | notice_of(change, properties)


def notice_of(change: MergeResult, properties: Properties) -> dict[str, str]:
    """The notice by its name in an answer; empty when there is nothing to say."""
    said = " ".join(filter(None, (change.notice, *properties.remarks())))
    return {"notice": said} if said else {}


def oauth_app_out(app: OAuthApp, *, secrets: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Masked, unless the revealed `secrets` are given."""
    hidden = {n: value for n, value in (secrets or {}).items() if n != "client_secret"}
    return {
        "id": str(app.pk),
        "provider": app.provider,
        "name": app.name,
        "client_id": app.client_id,
        "client_secret": (secrets or {}).get("client_secret", MASK),
        "properties": {**app.properties, **hidden},
        "scopes": list(app.requested_scopes),
        "redirect_uris": app.redirect_uris,
        "health": health_out(app),
        "metadata": app.metadata,
        "created_at": app.created_at,
        "updated_at": app.updated_at,
    }
