"""Schemas of /v1/credentials. Those of properties come from the kinds' declarations."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field

from sequin_admin.api.credentials.examples import STRIPE, import_of, of_kinds, patch_of
from sequin_admin.api.credentials.rate_limits import RateLimitShape
from sequin_admin.api.framework.columns import Made, RowShape
from sequin_admin.api.framework.errors import INVALID, ApiError
from sequin_admin.api.framework.reveal import Unreadable
from sequin_admin.api.framework.schemas import (
    Body,
    Metadata,
    NamedExamples,
    Shape,
    Timestamp,
)
from sequin_admin.api.health import HEALTH, Health
from sequin_admin.api.oauth_apps.schemas import OAUTH_APP, OAuthAppShape
from sequin_admin.connect.entered import MergeResult
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import MASK, InvalidEntry, Properties, plain_value
from sequin_admin.credentials.row import masked_properties

# The union of every kind's properties; the discriminator `kind` has no default.
PROPERTIES: Any = reduce(or_, (kind.properties_class for kind in kinds.all()))


def check_mail_address(text: str) -> str:
    """Raises `ValueError` for an invalid mail address. Empty removes the address."""
    try:
        validate_email(text or "none@example.com")
    except ValidationError:
        raise ValueError("Send one mail address, or an empty text for none.") from None
    return text


class CredentialImport(Body):
    """A credential to import. An account that is known already is updated."""

    properties: PROPERTIES = Field(discriminator="kind")
    name: str | None = Field(default=None, max_length=200)
    oauth_app_id: UUID | None = Field(
        default=None, description="The OAuth app whose client the tokens were issued to."
    )
    metadata: Metadata | None = None
    rate_limit: RateLimitShape | None = None

    @classmethod
    def named_examples(cls) -> NamedExamples:
        return of_kinds(import_of)


class CredentialPatch(Body):
    """What is left out stays as it is. Secrets are replaced by a call of their own."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: Metadata | None = None
    rate_limit: RateLimitShape | None = None

    @classmethod
    def named_examples(cls) -> NamedExamples:
        return of_kinds(patch_of)


class Contact(Body):
    """Not part of the credential's own shape, which is the specification's."""

    examples = {
        "set": {"contact_email": "duncan@arrakis.example"},
        "take away": {"contact_email": ""},
    }

    contact_email: Annotated[str, AfterValidator(check_mail_address), Field(max_length=254)] = (
        Field(
            description="Whom of the customer to mail for what only they can mend. Empty: nobody.",
            json_schema_extra={"anyOf": [{"format": "email"}, {"maxLength": 0}]},
            examples=["duncan@arrakis.example"],
        )
    )


class CredentialShape(Shape):
    """A credential. Secrets are masked unless `truncate_secrets=false`."""

    id: str
    name: str
    provider: str
    kind: str
    properties: dict[str, Any] = Field(
        description="By kind; secrets are asterisks, unless truncate_secrets is false. What is "
        "read can be posted as it is to import it; asterisks keep the secret that is stored.",
        examples=[{**STRIPE, "secret": MASK}],
    )
    # An example of a Stripe key has no app.
    oauth_app_id: str | None = Field(examples=[None])
    oauth_app: OAuthAppShape | None = Field(examples=[None])
    health: Health
    rate_limit: RateLimitShape
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


NOTICE = (
    "Only when something was not taken as it was sent: a token of the access that we hold already, "
    "and may have renewed since, for which the stored one was kept; a host, an id or a key that is "
    "kept in another form. Or when a password begins or ends with white space, which is kept."
)


class ImportedCredential(CredentialShape):
    """The imported credential, with what should be known about the import."""

    notice: str | None = Field(default=None, description=NOTICE)


class CredentialList(Shape):
    """A page of credentials."""

    data: list[CredentialShape]
    unreadable: Unreadable = {}
    next_cursor: str | None


BLANK = "This must not be empty."


def blank_names(properties: Properties) -> list[str]:
    """Required properties that were sent empty."""
    required = properties.required_names()
    return [name for name in required if plain_value(getattr(properties, name)) in (None, "")]


def refuse_blank(properties: Properties) -> None:
    """Raises 422 for required properties that were sent empty."""
    blank = blank_names(properties)
    if blank:
        raise ApiError(422, INVALID, {f"properties.{name}": [BLANK] for name in blank})


def entry_error(error: InvalidEntry, prefix: str = "properties.") -> ApiError:
    """422 that names each property of an entry that can't be taken."""
    return ApiError(422, INVALID, {f"{prefix}{n}": [text] for n, text in error.sentences.items()})


def rate_out(kind: str, *limit: int | None) -> dict[str, Any]:
    """The credential's own limit, or its kind's default."""
    if limit[0] is None:
        return {**vars(kinds.class_of(kind).rate)}
    return dict(zip(Rate.model_fields, limit, strict=True))


CREDENTIAL = RowShape(
    CredentialShape,
    Credential,
    provider=Made(lambda kind: kinds.class_of(kind).provider, ("kind",)),
    properties=Made(masked_properties, ("kind", "properties", "secret_names")),
    oauth_app=OAUTH_APP,
    health=HEALTH,
    rate_limit=Made(rate_out, ("kind", *(f"rate_limit__{name}" for name in Rate.model_fields))),
)


def credential_out(
    credential: Credential, *, secrets: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Masked, unless the revealed `secrets` are given."""
    shown = CREDENTIAL.fields_of(credential)
    if secrets is not None:
        shown["properties"] = credential.properties_with(secrets)
    return shown


def notice_of(change: MergeResult, properties: Properties) -> dict[str, str]:
    """By its name in an answer, a notice of what was not taken as it was sent; empty when there is
    nothing to say."""
    said = " ".join(filter(None, (change.notice, *properties.remarks())))
    return {"notice": said} if said else {}
