"""/v1/oauth-apps"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view
from pydantic import ValidationError

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.credentials.schemas import refuse_blank
from sequin_admin.api.framework.auth import (
    ApiRequest,
    CachedKeyAuth,
    caller,
    check_cached_key,
    require_scope,
)
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError, StillUsed, messages_by_path
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import ProviderFilters, paginate_request
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import Answer, one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.reveal import RevealFilter, revealed_list_out
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.api.oauth_apps.schemas import (
    OAUTH_APP,
    PROVIDERS,
    GatewaySecretRotation,
    GatewaySecretShape,
    OAuthAppCreate,
    OAuthAppList,
    OAuthAppPatch,
    OAuthAppShape,
    oauth_app_out,
)
from sequin_admin.core.field_errors import errors_in
from sequin_admin.credentials import gateway_secrets, kinds, oauth_apps
from sequin_admin.credentials.kinds import AppProperties
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.credentials.properties import InvalidEntry

router = Resource(
    "OAuth apps",
    "Your clients at the providers. Tokens belong to the app that got them.",
)


class OAuthAppFilters(ProviderFilters, RevealFilter):
    """Query parameters of the list of OAuth apps."""


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> OAuthApp:
    """Raises 404."""
    return get_or_404(OAuthApp.objects.of(organization), pk, "OAuth app", lock=lock)


def parse_properties(provider: str, values: dict[str, Any]) -> AppProperties:
    """Raises 422 with the path of each property that is not valid."""
    declared = kinds.oauth_of(provider)
    if declared is None:
        message = f"Choose a provider that has OAuth apps of ours: {', '.join(PROVIDERS)}."
        raise ApiError(422, "The provider is not valid.", {"provider": [message]})
    try:
        properties = declared.app.model_validate(values)
    except ValidationError as invalid:
        raise invalid_properties(messages_by_path(errors_in(invalid))) from None
    refuse_blank(properties)
    return properties


def invalid_properties(fields: Mapping[str, list[str]]) -> ApiError:
    paths = {n: n if n == "client_secret" else f"properties.{n}" for n in fields}
    return ApiError(422, INVALID, {paths[n]: messages for n, messages in fields.items()})


@contextmanager
def refusing_masks() -> Iterator[None]:
    """422 for masks of which no secret is stored."""
    try:
        yield
    except InvalidEntry as error:
        raise invalid_properties({n: [text] for n, text in error.sentences.items()}) from None


@router.post("", response={201: OAuthAppShape, **ERRORS})
def create_oauth_app(
    request: ApiRequest, payload: OAuthAppCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Register the app you made on the provider's developer page. With `redirect_uris` it takes the
    scope `secrets` as well: credentials are sent there."""
    organization = require_scope(request, Scope.WRITE)
    if payload.redirect_uris:
        require_scope(request, Scope.SECRETS)
    secret = payload.client_secret.get_secret_value()
    properties = parse_properties(payload.provider, {**payload.properties, "client_secret": secret})
    with refusing_masks():
        app = oauth_apps.create(
            organization,
            payload.provider,
            actor=caller(request),
            properties=properties,
            **payload.model_dump(exclude={"provider", "client_secret", "properties"}),
        )
    return Status(201, with_etag(response, oauth_app_out(app)))


@router.get("", response={200: OAuthAppList, **ERRORS}, exclude_unset=True, auth=CachedKeyAuth())
@decorate_view(quick)
def list_oauth_apps(
    request: ApiRequest, filters: Query[OAuthAppFilters], response: HttpResponse
) -> Answer:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    if filters.truncate_secrets:
        return page_response(request, OAUTH_APP, filters)
    check_cached_key(request)
    rows = OAuthApp.objects.of(require_scope(request, Scope.READ))
    filters.permit_reveal(request, response)
    page, following = paginate_request(request, filters, rows)
    reveal = partial(oauth_apps.reveal, actor=caller(request), purpose=filters.purpose)
    return {**revealed_list_out(page, oauth_app_out, reveal), "next_cursor": following}


@router.get("/{oauth_app_id}", response={200: OAuthAppShape, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def get_oauth_app(
    request: ApiRequest,
    oauth_app_id: UUID,
    reveal_filter: Query[RevealFilter],
    response: HttpResponse,
) -> Answer:
    """One OAuth app, with its ETag, which is the same whether secrets are shown or not.

    409 when they are to be shown and no key of ours opens them.
    """
    if reveal_filter.truncate_secrets:
        return one_response(request, OAUTH_APP, oauth_app_id, "OAuth app")
    check_cached_key(request)
    app = get_owned_or_404(require_scope(request, Scope.READ), oauth_app_id)
    with_etag(response, oauth_app_out(app))
    reveal_filter.permit_reveal(request, response)
    secrets = oauth_apps.reveal(app, actor=caller(request), purpose=reveal_filter.purpose)
    return oauth_app_out(app, secrets=secrets)


@router.get("/{oauth_app_id}/health", response={200: HealthDetail, **ERRORS})
def oauth_app_health(request: ApiRequest, oauth_app_id: UUID) -> dict[str, Any]:
    """The status with its reasons, checks and history."""
    return health_detail(get_owned_or_404(require_scope(request, Scope.READ), oauth_app_id))


@router.patch("/{oauth_app_id}", response={200: OAuthAppShape, **ERRORS})
def update_oauth_app(
    request: ApiRequest,
    oauth_app_id: UUID,
    payload: OAuthAppPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change what is sent; what is left out, null, or the asterisks of a secret stays as it is.
    Provider and client id can't change: the tokens belong to them. New `redirect_uris` take the
    scope `secrets` as well."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        app = get_owned_or_404(organization, oauth_app_id, lock=True)
        check_if_match(if_match, oauth_app_out(app))
        if payload.redirect_uris not in (None, app.redirect_uris):
            require_scope(request, Scope.SECRETS)
        known = {**app.properties, **app.secrets, **(payload.properties or {})}
        if payload.client_secret:
            known["client_secret"] = payload.client_secret.get_secret_value()
        sent = "secret_ends_at" in payload.model_fields_set
        ends = {"secret_ends_at": payload.secret_ends_at} if sent else {}
        with refusing_masks():
            oauth_apps.update(
                app,
                actor=caller(request),
                properties=parse_properties(app.provider, known),
                **ends,
                **payload.model_dump(exclude={"client_secret", "properties", "secret_ends_at"}),
            )
    return with_etag(response, oauth_app_out(get_owned_or_404(organization, oauth_app_id)))


@router.delete("/{oauth_app_id}", response={204: None, **ERRORS, 409: StillUsed})
def delete_oauth_app(
    request: ApiRequest, oauth_app_id: UUID, if_match: IfMatch = None
) -> Status[None]:
    """Refused with 409 while credentials were made with it."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        app = get_owned_or_404(organization, oauth_app_id, lock=True)
        check_if_match(if_match, oauth_app_out(app))
        oauth_apps.delete(app, actor=caller(request))
    return Status(204, None)


@router.post("/{oauth_app_id}/gateway-secret", response={201: GatewaySecretShape, **ERRORS})
def make_gateway_secret(
    request: ApiRequest,
    oauth_app_id: UUID,
    payload: GatewaySecretRotation,
    response: HttpResponse,
) -> Status[dict[str, Any]]:
    """A secret of ours with which your product exchanges codes at `/link/oauth2/token`. The one
    until now, if there is one, stays good for 24 hours, or as long as you say. Takes the scopes
    `write` and `secrets`."""
    require_scope(request, Scope.SECRETS)
    app = get_owned_or_404(require_scope(request, Scope.WRITE), oauth_app_id)
    overlap = timedelta(hours=payload.overlap_hours)
    row, secret = gateway_secrets.rotate(app, actor=caller(request), overlap=overlap)
    response["Cache-Control"] = "no-store"
    shown = {
        "oauth_app_id": app.pk,
        "client_secret": secret,
        "created_at": row.made_at,
        "former_until": row.former_until,
    }
    return Status(201, shown)
