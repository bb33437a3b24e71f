"""/v1/credentials"""

import json
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import Field

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.auth import allow
from sequin_admin.api.errors import ERRORS, ApiError
from sequin_admin.api.pages import page_of
from sequin_admin.api.schemas import (
    CheckShape,
    CredentialImport,
    CredentialList,
    CredentialPatch,
    CredentialShape,
    HealthDetail,
    Strict,
    credential_out,
    health_of,
)
from sequin_admin.connect import flow
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import probes
from sequin_admin.limits.models import set_limit

router = Router(tags=["Credentials"])


class Filters(Strict):
    provider: str = ""
    kind: str = ""
    health_status: str = Field(default="", alias="health.status")
    name: str = ""
    search: str = Field(default="", description="Part of the name or of the account's identity.")
    metadata: str = Field(default="", description='JSON, matched as contained: {"plan": "pro"}.')
    updated_since: datetime | None = None
    sort: Literal["-created_at", "created_at", "name", "-name"] = "-created_at"
    cursor: str = ""
    limit: int = Field(default=100, ge=1, le=500)


def own(organization: Organization, pk: UUID) -> Credential:
    rows = Credential.objects.of(organization).select_related("oauth_app", "rate_limit")
    credential = rows.filter(pk=pk).first()
    if credential is None:
        raise ApiError(404, "There is no such credential in your organization.")
    return credential


@router.post("", response={201: CredentialShape, 200: CredentialShape, **ERRORS})
def import_credential(request: HttpRequest, payload: CredentialImport) -> Any:
    """Import a credential. The same account again is updated (200) instead of made anew (201)."""
    organization = allow(request, Scope.WRITE)
    actor = request.auth  # type: ignore[attr-defined]
    credential, created = flow.save(
        organization,
        payload.properties,
        actor=actor,
        name=payload.name or "",
        oauth_app=app_of(organization, payload),
        metadata=payload.metadata,
    )
    if payload.rate_limit:
        set_limit(credential, Rate(**payload.rate_limit.model_dump()), actor=actor)
    probes.verify(credential)
    return Status(201 if created else 200, credential_out(own(organization, credential.pk)))


def app_of(organization: Organization, payload: CredentialImport) -> OAuthApp | None:
    """The named OAuth app, which must be of the credential's provider."""
    if payload.oauth_app_id is None:
        return None
    kind = payload.properties.kind
    rows = OAuthApp.objects.of(organization).filter(provider=kinds.get(kind).provider)
    try:
        app = rows.filter(pk=UUID(payload.oauth_app_id)).first()
    except ValueError:
        app = None
    if app is None:
        said = f"There is no OAuth app with this id for {kind} in your organization."
        raise ApiError(422, "The OAuth app is not known.", {"oauth_app_id": [said]})
    return app


@router.get("", response={200: CredentialList, **ERRORS})
def list_credentials(request: HttpRequest, filters: Query[Filters]) -> Any:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    rows = filtered(Credential.objects.of(allow(request, Scope.READ)), filters)
    rows = rows.select_related("oauth_app", "rate_limit").defer("secrets", "oauth_app__secrets")
    page, following = page_of(rows, sort=filters.sort, cursor=filters.cursor, limit=filters.limit)
    return {"data": [credential_out(row) for row in page], "next_cursor": following}


def filtered(rows: Any, filters: Filters) -> QuerySet[Credential]:
    if filters.provider:
        rows = rows.of_provider(filters.provider)
    if filters.health_status == "healthy":
        rows = rows.filter(health_status__in=("", "healthy"))
    elif filters.health_status:
        rows = rows.filter(health_status=filters.health_status)
    if filters.search:
        rows = rows.matching(filters.search)
    if filters.updated_since:
        rows = rows.filter(updated_at__gte=filters.updated_since)
    exact = {name: getattr(filters, name) for name in ("kind", "name") if getattr(filters, name)}
    return with_metadata(rows.filter(**exact), filters.metadata)


def with_metadata(rows: QuerySet[Credential], text: str) -> QuerySet[Credential]:
    """Rows whose metadata has every pair of the JSON object `text`. Works on SQLite too."""
    if not text:
        return rows
    try:
        pairs = json.loads(text)
    except ValueError:
        pairs = None
    if not isinstance(pairs, dict):
        said = 'Send a JSON object, such as {"plan": "pro"}.'
        raise ApiError(422, "The metadata filter is not valid.", {"metadata": [said]})
    for number, (key, value) in enumerate(pairs.items()):
        rows = rows.alias(**{f"meta{number}": KeyTransform(key, "metadata")})
        rows = rows.filter(**{f"meta{number}": value})
    return rows


@router.get("/{credential_id}", response={200: CredentialShape, **ERRORS})
def get_credential(request: HttpRequest, credential_id: UUID) -> Any:
    return credential_out(own(allow(request, Scope.READ), credential_id))


@router.patch("/{credential_id}", response={200: CredentialShape, **ERRORS})
def update_credential(request: HttpRequest, credential_id: UUID, payload: CredentialPatch) -> Any:
    """Change name, metadata or rate limit. To replace a secret, import the credential again."""
    credential = own(allow(request, Scope.WRITE), credential_id)
    actor = request.auth  # type: ignore[attr-defined]
    flow.rename(credential, actor=actor, name=payload.name, metadata=payload.metadata)
    if payload.rate_limit:
        set_limit(credential, Rate(**payload.rate_limit.model_dump()), actor=actor)
    return credential_out(own(credential.organization, credential_id))


@router.delete("/{credential_id}", response={204: None, **ERRORS})
def delete_credential(request: HttpRequest, credential_id: UUID) -> Any:
    """Forget the credential and give the access back where the provider takes it."""
    credential = own(allow(request, Scope.WRITE), credential_id)
    flow.delete(credential, actor=request.auth)  # type: ignore[attr-defined]
    return Status(204, None)


@router.post("/{credential_id}/verify", response={200: HealthDetail, **ERRORS})
def verify_credential(request: HttpRequest, credential_id: UUID) -> Any:
    """Probe it now."""
    credential = own(allow(request, Scope.WRITE), credential_id)
    probes.verify(credential, actor=request.auth)  # type: ignore[attr-defined]
    return health_detail(credential)


@router.get("/{credential_id}/health", response={200: HealthDetail, **ERRORS})
def credential_health(request: HttpRequest, credential_id: UUID) -> Any:
    """The status with its reason and checks."""
    return health_detail(own(allow(request, Scope.READ), credential_id))


def health_detail(credential: Credential) -> dict[str, Any]:
    return {
        **health_of(credential),
        "note": credential.health_note,
        "since": credential.health_since,
        "checked_at": credential.checked_at,
        "checks": list(credential.checks.values(*CheckShape.model_fields)),
    }
