"""Former secrets of credentials, OAuth apps and targets: listed without their values, put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from pydantic import Field

from sequin_admin.access.former_secrets import NotPutBack, Owner, list_former
from sequin_admin.access.models import FormerSecrets, Scope
from sequin_admin.api.credentials.schemas import entry_error
from sequin_admin.api.credentials.views import get_owned_or_404 as get_credential
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import Shape, Timestamp
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.api.oauth_apps.views import get_owned_or_404 as get_app
from sequin_admin.api.syncs.targets import get_owned_or_404 as get_target
from sequin_admin.connect import credential_operations
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.models import FormerAppSecrets, FormerCredentialSecrets
from sequin_admin.credentials.properties import InvalidEntry
from sequin_admin.health import probes
from sequin_admin.syncs import targets
from sequin_admin.syncs.models import FormerTargetSecrets

credentials_router = Resource("Credentials")
apps_router = Resource("OAuth apps")
targets_router = Resource("Targets")


class FormerSecretsShape(Shape):
    """Secrets that others have replaced. Their values are never shown."""

    id: UUID
    names: list[str] = Field(examples=[["secret"]])
    replaced_at: Timestamp
    replaced_by: str = Field(examples=["paul@arrakis.test"])


class FormerSecretsList(Shape):
    """The newest first."""

    data: list[FormerSecretsShape]


def listed(model: type[FormerSecrets], owner: Owner) -> dict[str, Any]:
    names = ("id", "names", "replaced_at", "replaced_by")
    rows = list_former(model, owner)
    return {"data": [{name: getattr(row, name) for name in names} for row in rows]}


@contextmanager
def reporting() -> Iterator[None]:
    """409 for former secrets that can't be put back, 422 for those that are not valid any more."""
    try:
        yield
    except (NotPutBack, DecryptionError, credential_operations.OtherAccount) as error:
        raise ApiError(409, str(error)) from None
    except InvalidEntry as error:
        raise entry_error(error) from None


@credentials_router.get(
    "/{credential_id}/former-secrets", response={200: FormerSecretsList, **ERRORS}
)
def list_former_secrets(request: ApiRequest, credential_id: UUID) -> dict[str, Any]:
    """Entered secrets of the credential that were replaced, and can be put back for some days."""
    organization = require_scope(request, Scope.READ)
    return listed(FormerCredentialSecrets, get_credential(organization, credential_id))


@credentials_router.post(
    "/{credential_id}/former-secrets/{former_id}/put-back",
    response={200: HealthDetail, **ERRORS},
)
def put_back_secrets(request: ApiRequest, credential_id: UUID, former_id: UUID) -> dict[str, Any]:
    """Use these again, as if they were entered; the current ones take their place. The credential
    is probed. 409 when they are not kept any more, or are for another account or host."""
    organization = require_scope(request, Scope.WRITE)
    credential = get_credential(organization, credential_id)
    with reporting():
        saved = credential_operations.put_back(credential, former_id, actor=caller(request))
    if saved.needs_probe:
        probes.verify_entered(saved.credential)
    return health_detail(get_credential(organization, credential_id))


@apps_router.get("/{oauth_app_id}/former-secrets", response={200: FormerSecretsList, **ERRORS})
def list_former_app_secrets(request: ApiRequest, oauth_app_id: UUID) -> dict[str, Any]:
    """Secrets of the app that were replaced, and can be put back for some days."""
    organization = require_scope(request, Scope.READ)
    return listed(FormerAppSecrets, get_app(organization, oauth_app_id))


@apps_router.post(
    "/{oauth_app_id}/former-secrets/{former_id}/put-back", response={200: HealthDetail, **ERRORS}
)
def put_back_app_secrets(
    request: ApiRequest, oauth_app_id: UUID, former_id: UUID
) -> dict[str, Any]:
    """Use these again; the current ones take their place. All credentials of the app are probed
    within moments. 409 when they are not kept any more."""
    organization = require_scope(request, Scope.WRITE)
    app = get_app(organization, oauth_app_id)
    with reporting():
        oauth_apps.put_back(app, former_id, actor=caller(request))
    return health_detail(app)


@targets_router.get("/{target_id}/former-passwords", response={200: FormerSecretsList, **ERRORS})
def list_former_passwords(request: ApiRequest, target_id: UUID) -> dict[str, Any]:
    """Passwords of the target that were replaced, and can be put back for some days."""
    organization = require_scope(request, Scope.READ)
    return listed(FormerTargetSecrets, get_target(organization, target_id))


@targets_router.post(
    "/{target_id}/former-passwords/{former_id}/put-back", response={200: HealthDetail, **ERRORS}
)
def put_back_password(request: ApiRequest, target_id: UUID, former_id: UUID) -> dict[str, Any]:
    """Use this one again; the current one takes its place. It is tested within moments. 409 when
    it is not kept any more, or was for another server."""
    organization = require_scope(request, Scope.WRITE)
    target = get_target(organization, target_id)
    with reporting():
        targets.put_back(target, former_id, actor=caller(request))
    return health_detail(target)
