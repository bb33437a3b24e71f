"""/v1/oauth-apps"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import Field, SecretStr, ValidationError

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.auth import allow
from sequin_admin.api.errors import ERRORS, ApiError, sentences
from sequin_admin.api.pages import page_of
from sequin_admin.api.schemas import OAuthAppList, OAuthAppShape, Strict, oauth_app_out
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.credentials.kinds import AppProperties
from sequin_admin.credentials.models import OAuthApp

router = Router(tags=["OAuth apps"])


class OAuthAppCreate(Strict):
    provider: str
    name: str = Field(min_length=1, max_length=100)
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: SecretStr
    properties: dict[str, Any] = Field(
        default_factory=dict, description="What the provider has besides: GitHub's app_id, slug..."
    )
    scopes: list[str] = Field(default_factory=list)
    redirect_uris: list[str] = Field(default_factory=list)
    metadata: dict[str, Any] = Field(default_factory=dict)


class OAuthAppPatch(Strict):
    name: str | None = Field(default=None, min_length=1, max_length=100)
    client_secret: SecretStr | None = None
    properties: dict[str, Any] | None = None
    scopes: list[str] | None = None
    redirect_uris: list[str] | None = None
    metadata: dict[str, Any] | None = None


class Filters(Strict):
    provider: str = ""
    health_status: str = Field(default="", alias="health.status")
    truncate_secrets: bool = True
    cursor: str = ""
    limit: int = Field(default=100, ge=1, le=500)


def own(organization: Organization, pk: UUID) -> OAuthApp:
    app = OAuthApp.objects.of(organization).filter(pk=pk).first()
    if app is None:
        raise ApiError(404, "There is no such OAuth app in your organization.")
    return app


def parsed(provider: str, values: dict[str, Any]) -> AppProperties:
    declared = kinds.oauth_of(provider)
    if declared is None:
        said = f"{provider} has no OAuth apps of ours."
        raise ApiError(422, "The provider is not valid.", {"provider": [said]})
    try:
        return declared.app.model_validate(values)
    except ValidationError as invalid:
        fields: dict[str, list[str]] = {}
        for detail in invalid.errors(include_input=False, include_url=False):
            for path, sentence in sentences({**detail, "loc": ("body", "payload", *detail["loc"])}):
                place = path if path == "client_secret" else f"properties.{path}"
                fields.setdefault(place, []).append(sentence)
        raise ApiError(422, "Some fields are not valid. Nothing was changed.", fields) from None


@router.post("", response={201: OAuthAppShape, **ERRORS})
def create_oauth_app(request: HttpRequest, payload: OAuthAppCreate) -> Any:
    organization = allow(request, Scope.WRITE)
    secret = payload.client_secret.get_secret_value()
    app = oauth_apps.create(
        organization,
        payload.provider,
        actor=request.auth,  # type: ignore[attr-defined]
        properties=parsed(payload.provider, {**payload.properties, "client_secret": secret}),
        **payload.model_dump(exclude={"provider", "client_secret", "properties"}),
    )
    return Status(201, oauth_app_out(app))


@router.get("", response={200: OAuthAppList, **ERRORS})
def list_oauth_apps(request: HttpRequest, filters: Query[Filters]) -> Any:
    """Secrets in plain text (`truncate_secrets=false`) take the scope `secrets` and are audited."""
    organization = allow(request, Scope.READ)
    reveal = not filters.truncate_secrets
    if reveal:
        allow(request, Scope.SECRETS)
    rows = OAuthApp.objects.of(organization)
    if filters.provider:
        rows = rows.filter(provider=filters.provider)
    if filters.health_status:
        wanted = ("", "healthy") if filters.health_status == "healthy" else (filters.health_status,)
        rows = rows.filter(health_status__in=wanted)
    page, following = page_of(rows, sort="-created_at", cursor=filters.cursor, limit=filters.limit)
    if reveal:
        for app in page:
            oauth_apps.note("oauth_app.revealed", app, request.auth)  # type: ignore[attr-defined]
    return {"data": [oauth_app_out(app, reveal=reveal) for app in page], "next_cursor": following}


@router.get("/{oauth_app_id}", response={200: OAuthAppShape, **ERRORS})
def get_oauth_app(request: HttpRequest, oauth_app_id: UUID) -> Any:
    return oauth_app_out(own(allow(request, Scope.READ), oauth_app_id))


@router.patch("/{oauth_app_id}", response={200: OAuthAppShape, **ERRORS})
def update_oauth_app(request: HttpRequest, oauth_app_id: UUID, payload: OAuthAppPatch) -> Any:
    """Provider and client id stay: the tokens belong to them."""
    app = own(allow(request, Scope.WRITE), oauth_app_id)
    known = {**app.properties, **app.secrets, **(payload.properties or {})}
    if payload.client_secret:
        known["client_secret"] = payload.client_secret.get_secret_value()
    oauth_apps.update(
        app,
        actor=request.auth,  # type: ignore[attr-defined]
        properties=parsed(app.provider, known),
        **payload.model_dump(exclude={"client_secret", "properties"}),
    )
    return oauth_app_out(own(app.organization, oauth_app_id))


@router.delete("/{oauth_app_id}", response={204: None, **ERRORS})
def delete_oauth_app(request: HttpRequest, oauth_app_id: UUID) -> Any:
    """Refused with 409 while credentials were made with it."""
    app = own(allow(request, Scope.WRITE), oauth_app_id)
    try:
        oauth_apps.delete(app, actor=request.auth)  # type: ignore[attr-defined]
    except oauth_apps.InUse as error:
        raise ApiError(409, str(error)) from None
    return Status(204, None)
