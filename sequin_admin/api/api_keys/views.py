"""/v1/api-keys: create, change, rotate and revoke keys, none with more rights than the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Status
from pydantic import Field

from sequin_admin.access import keys
from sequin_admin.access.key_scopes import PrivilegeEscalation
from sequin_admin.access.models import ApiKey, ApiKeyState, Organization, Scope
from sequin_admin.api.api_keys.schemas import (
    KeyCreate,
    KeyList,
    KeyPatch,
    KeyShape,
    KeyWithToken,
    Rotation,
    etag_fields,
    key_out,
)
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.etags import IfMatch, check_if_match, etag_of
from sequin_admin.api.framework.pagination import (
    TEXT_CHARS,
    Creation,
    PageParams,
    paginate_request,
    search_rows,
)
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.core import clock

router = Resource(
    "API keys",
    "Keys for this API. A key is shown once.",
)


class ApiKeyFilters(PageParams):
    """Query parameters of the list of API keys."""

    sort: Creation = "-created_at"
    state: ApiKeyState | None = None
    search: str = Field(default="", max_length=TEXT_CHARS, description="Part of the name.")

    def narrow(self, rows: Any) -> Any:
        rows = super().narrow(rows)
        rows = rows.in_state(self.state, clock.now()) if self.state else rows
        return search_rows(rows, self.search)


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> ApiKey:
    """Raises 404."""
    return get_or_404(ApiKey.objects.of(organization), pk, "API key", lock=lock)


@contextmanager
def domain_errors() -> Iterator[None]:
    """Turn errors of the domain into 403 and 409."""
    try:
        yield
    except PrivilegeEscalation as error:
        raise ApiError(403, str(error), {n: [text] for n, text in error.fields.items()}) from None
    except keys.Ended as error:
        raise ApiError(409, str(error)) from None


def key_response(response: HttpResponse, key: ApiKey, **more: str) -> dict[str, Any]:
    """The key with its ETag; `more` is its token."""
    out = key_out(key)
    response["ETag"] = etag_of(etag_fields(out))
    if more:
        response["Cache-Control"] = "no-store"
    return {**out, **more}


@router.post("", response={201: KeyWithToken, **ERRORS})
def create_api_key(
    request: ApiRequest, payload: KeyCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """A key that may do no more than yours. The answer has its token, which is not shown again."""
    organization = require_scope(request, Scope.KEYS)
    with domain_errors():
        key, token = keys.create(organization, actor=caller(request), **payload.model_dump())
    return Status(201, key_response(response, key, token=token))


@router.get("", response={200: KeyList, **ERRORS})
def list_api_keys(request: ApiRequest, filters: Query[ApiKeyFilters]) -> dict[str, Any]:
    """Newest first unless sorted otherwise, with those that are revoked or expired."""
    rows = ApiKey.objects.of(require_scope(request, Scope.KEYS))
    page, following = paginate_request(request, filters, rows)
    return {"data": [key_out(key) for key in page], "next_cursor": following}


@router.get("/me", response={200: KeyShape, **ERRORS})
def get_own_api_key(request: ApiRequest, response: HttpResponse) -> dict[str, Any]:
    """The key that you call with. Takes no scope."""
    return key_response(response, request.auth)


@router.get("/{api_key_id}", response={200: KeyShape, **ERRORS})
def get_api_key(request: ApiRequest, api_key_id: UUID, response: HttpResponse) -> dict[str, Any]:
    """One key, with its ETag, which stays the same when the key is only used."""
    return key_response(response, get_owned_or_404(require_scope(request, Scope.KEYS), api_key_id))


@router.patch("/{api_key_id}", response={200: KeyShape, **ERRORS})
def update_api_key(
    request: ApiRequest,
    api_key_id: UUID,
    payload: KeyPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change what is sent, everywhere at once. 403 for a key that may do more than yours, before
    or after."""
    organization = require_scope(request, Scope.KEYS)
    with transaction.atomic(), domain_errors():
        key = get_owned_or_404(organization, api_key_id, lock=True)
        check_if_match(if_match, etag_fields(key_out(key)))
        key = keys.update(key, actor=caller(request), **payload.columns())
    return key_response(response, key)


@router.delete("/{api_key_id}", response={204: None, **ERRORS})
def revoke_api_key(request: ApiRequest, api_key_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """Revoke it: both of its tokens are refused from now on. It stays in the list. 403 for a key
    that may do more than yours."""
    organization = require_scope(request, Scope.KEYS)
    with transaction.atomic(), domain_errors():
        key = get_owned_or_404(organization, api_key_id, lock=True)
        check_if_match(if_match, etag_fields(key_out(key)))
        keys.revoke(key, actor=caller(request))
    return Status(204, None)


@router.post("/{api_key_id}/rotate", response={200: KeyWithToken, **ERRORS})
def rotate_api_key(
    request: ApiRequest, api_key_id: UUID, payload: Rotation, response: HttpResponse
) -> dict[str, Any]:
    """A new token for the key. The one until now stays good for 24 hours, or as long as you say."""
    key = get_owned_or_404(require_scope(request, Scope.KEYS), api_key_id)
    overlap = timedelta(hours=payload.overlap_hours)
    with domain_errors():
        key, token = keys.rotate(key, actor=caller(request), overlap=overlap)
    return key_response(response, key, token=token)


@router.delete("/{api_key_id}/former-token", response={200: KeyShape, **ERRORS})
def end_former_token(
    request: ApiRequest, api_key_id: UUID, response: HttpResponse
) -> dict[str, Any]:
    """End the token from before the last rotation now. Harmless when there is none. 403 for a key
    that may do more than yours."""
    key = get_owned_or_404(require_scope(request, Scope.KEYS), api_key_id)
    with domain_errors():
        key = keys.end_former_token(key, actor=caller(request))
    return key_response(response, key)
