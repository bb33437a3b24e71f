"""Actions on credentials: disable, enable, exchange a token, replace secrets."""

from typing import Any, Literal
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.credentials.examples import STRIPE
from sequin_admin.api.credentials.schemas import (
    PROPERTIES,
    ImportedCredential,
    credential_out,
    entry_error,
    notice_of,
    refuse_blank,
)
from sequin_admin.api.credentials.tokens import token_error
from sequin_admin.api.credentials.views import get_owned_or_404
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError, Problem
from sequin_admin.api.framework.etags import with_etag
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Body, Shape, Timestamp
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.connect import credential_operations
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.properties import InvalidEntry
from sequin_admin.health import probes

router = Resource("Credentials")


class StatusShape(Shape):
    """Not part of the credential's own shape, which is the specification's."""

    credential_id: UUID
    status: Literal["active", "disabled"]
    disabled_at: Timestamp | None
    outdated_token: str = Field(
        description="What to know before you exchange its token, which is of an old sort. Empty "
        "when there is nothing to exchange."
    )


class NewSecrets(Body):
    """Secrets that replace the stored ones, for the same account."""

    examples = {"stripe": {"properties": STRIPE}}

    properties: PROPERTIES = Field(discriminator="kind", description="Of the credential's kind.")


def status_out(credential: Credential) -> dict[str, Any]:
    disabled_at = credential.disabled_at
    return {
        "credential_id": credential.pk,
        "status": "disabled" if disabled_at else "active",
        "disabled_at": disabled_at,
        "outdated_token": credential.outdated_token(),
    }


@router.get("/{credential_id}/status", response={200: StatusShape, **ERRORS})
def credential_status(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """Whether it is active or disabled."""
    return status_out(get_owned_or_404(require_scope(request, Scope.READ), credential_id))


@router.post("/{credential_id}/disable", response={200: StatusShape, **ERRORS})
def disable_credential(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """No probe, no renewal, no token for workers, until you enable it again."""
    credential = get_owned_or_404(require_scope(request, Scope.WRITE), credential_id)
    credential_operations.disable(credential, actor=caller(request))
    return status_out(credential)


@router.post("/{credential_id}/enable", response={200: StatusShape, **ERRORS})
def enable_credential(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """Use it again. It is probed within moments."""
    credential = get_owned_or_404(require_scope(request, Scope.WRITE), credential_id)
    credential_operations.enable(credential, actor=caller(request))
    return status_out(credential)


@router.post("/{credential_id}/exchange", response={200: HealthDetail, 503: Problem, **ERRORS})
def exchange_credential_token(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """Replace a token of an outdated type by one that can be renewed, and probe the credential. 409
    when there is none to replace or the provider refuses, 503 when it does not answer."""
    organization = require_scope(request, Scope.WRITE)
    credential = get_owned_or_404(organization, credential_id)
    if credential.disabled_at or not credential.outdated_token():
        raise ApiError(409, f"{credential} has no token to exchange now.")
    try:
        credential_operations.exchange_token(credential, actor=caller(request))
    except Refused as refusal:
        raise token_error(refusal.outcome) from None
    finally:
        probes.verify(get_owned_or_404(organization, credential_id))
    return health_detail(get_owned_or_404(organization, credential_id))


@router.post(
    "/{credential_id}/secrets", response={200: ImportedCredential, **ERRORS}, exclude_unset=True
)
def replace_credential_secrets(
    request: ApiRequest, credential_id: UUID, payload: NewSecrets, response: HttpResponse
) -> dict[str, Any]:
    """New secrets of the same account, for kinds whose secrets are entered. Asterisks keep the one
    that is stored. 409 when they open another account; then nothing is changed."""
    organization = require_scope(request, Scope.WRITE)
    credential = get_owned_or_404(organization, credential_id)
    check_kind(credential, payload.properties.kind)
    refuse_blank(payload.properties)
    try:
        saved = credential_operations.replace_secrets(
            credential, payload.properties, actor=caller(request)
        )
    except credential_operations.OtherAccount as error:
        raise ApiError(409, str(error)) from None
    except InvalidEntry as error:
        raise entry_error(error) from None
    if saved.needs_probe:
        probes.verify_entered(saved.credential)
    stored = get_owned_or_404(organization, credential_id)
    return with_etag(response, credential_out(stored)) | notice_of(saved.change, payload.properties)


def check_kind(credential: Credential, kind: str) -> None:
    """Raises 422 for properties of another kind, 409 for a kind with nothing to enter."""
    if kind != credential.kind:
        message = f"This credential is a {credential.kind}. Send properties of that kind."
        raise ApiError(422, INVALID, {"properties.kind": [message]})
    if not credential.has_form():
        raise ApiError(
            409,
            f"{credential} was connected at {credential.provider_title}. Make a connect link that "
            "reconnects it, or import it again.",
        )
