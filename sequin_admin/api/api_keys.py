"""/v1/api-keys: create, change, rotate and revoke keys, none with more rights than the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Status
from pydantic import AfterValidator, AwareDatetime, Field

from sequin_admin.access import keys
from sequin_admin.access.key_scopes import PrivilegeEscalation
from sequin_admin.access.models import ApiKey, ApiKeyState, Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS, ApiError
from sequin_admin.api.framework.etags import IfMatch, check_if_match, etag_of
from sequin_admin.api.framework.pagination import TEXT_CHARS, Creation, PageParams, paginate_request
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.framework.schemas import Body, Shape, Timestamp
from sequin_admin.core import clock

NULLABLE = ("requests_per_minute", "expires_at")
# These change without a change of the key, so they are not part of its ETag.
NOT_IN_ETAG = ("state", "last_used_at", "former_token")


def in_utc(at: datetime) -> datetime:
    """Raises `ValueError` for a time that UTC can't express: the last hour of the year 9999."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("Choose a time before the year 9999.") from None


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=20)]
Networks = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=60)]],
    Field(
        max_length=keys.MOST_NETWORKS,
        description="Where it may be used from, such as 192.0.2.0/24. Empty: from anywhere.",
    ),
]
PerMinute = Annotated[
    int | None,
    Field(ge=1, le=keys.MOST_PER_MINUTE, description="Null: as many as is usual here."),
]
ENDS = Field(default=None, description="Null: when it is revoked.")
EXAMPLE_END = "2030-01-01T00:00:00Z"
EXAMPLE_NETWORKS = ["192.0.2.0/24"]
EXAMPLE_PREFIX = "sqn_n7fF6-rA"


class KeyCreate(Body):
    examples = {
        "worker": {"name": "Sync worker", "scopes": ["secrets", "permits"]},
        "from one network, for a while": {
            "name": "Reports",
            "scopes": ["read"],
            "networks": EXAMPLE_NETWORKS,
            "requests_per_minute": 600,
            "expires_at": EXAMPLE_END,
        },
    }

    name: Name
    scopes: Scopes
    networks: Networks = Field(default_factory=list)
    requests_per_minute: PerMinute = None
    expires_at: Moment | None = ENDS


class KeyPatch(Body):
    """What is left out stays as it is."""

    examples = {
        "rename": {"name": "Sync worker, west"},
        "from anywhere": {"networks": [], "requests_per_minute": None},
    }

    name: Name | None = None
    scopes: Scopes | None = None
    networks: Networks | None = None
    requests_per_minute: PerMinute = None
    expires_at: Moment | None = ENDS

    def columns(self) -> dict[str, Any]:
        """The columns that were sent. Null is a value for `NULLABLE` only, elsewhere ignored."""
        sent = self.model_dump(exclude_unset=True)
        return {n: v for n, v in sent.items() if v is not None or n in NULLABLE}


class Rotation(Body):
    examples = {"within a day": {}, "at once": {"overlap_hours": 0}}

    overlap_hours: int = Field(
        default=keys.OVERLAP_H,
        ge=0,
        le=keys.LONGEST_OVERLAP_H,
        description="How long the token until now stays good.",
    )


class FormerToken(Shape):
    prefix: str
    until: Timestamp
    last_used_at: Timestamp | None


class KeyShape(Shape):
    id: UUID
    name: str = Field(examples=["Sync worker"])
    prefix: str = Field(description="How its token begins.", examples=[EXAMPLE_PREFIX])
    scopes: list[str] = Field(examples=[["permits", "secrets"]])
    networks: list[str] = Field(examples=[EXAMPLE_NETWORKS])
    requests_per_minute: int | None = Field(
        description="Null: as many as is usual here.", examples=[600]
    )
    state: ApiKeyState
    former_token: FormerToken | None = Field(
        description="After a rotation, while it is good.", examples=[None]
    )
    expires_at: Timestamp | None = Field(examples=[EXAMPLE_END])
    last_used_at: Timestamp | None = Field(description="To about five minutes.")
    created_at: Timestamp
    revoked_at: Timestamp | None = Field(examples=[None])


class KeyWithToken(KeyShape):
    token: str = Field(
        description="Send it as Authorization: Bearer. Shown once.",
        examples=[f"{EXAMPLE_PREFIX}..."],
    )


class KeyList(Shape):
    data: list[KeyShape]
    next_cursor: str | None


def key_out(key: ApiKey) -> dict[str, Any]:
    now = clock.now()
    former = {
        "prefix": key.former_prefix,
        "until": key.former_until,
        "last_used_at": key.former_used_at,
    }
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "networks": key.networks,
        "requests_per_minute": key.requests_per_minute,
        "state": key.state(now),
        "former_token": former if key.is_rotating(now) and not key.revoked_at else None,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


def etag_fields(shown: dict[str, Any]) -> dict[str, Any]:
    """The fields that the ETag covers: without those that change by themselves."""
    return {name: value for name, value in shown.items() if name not in NOT_IN_ETAG}


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
        return rows.matching(self.search) if self.search else rows


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
        key, token = keys.create(organization, actor=request.auth, **payload.model_dump())
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
        key = keys.update(key, actor=request.auth, **payload.columns())
    return key_response(response, key)


@router.delete("/{api_key_id}", response={204: None, **ERRORS})
def revoke_api_key(request: ApiRequest, api_key_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """Revoke it: both of its tokens are refused from now on. It stays in the list. 403 for a key
    that may do more than yours."""
    organization = require_scope(request, Scope.KEYS)
    with transaction.atomic(), domain_errors():
        key = get_owned_or_404(organization, api_key_id, lock=True)
        check_if_match(if_match, etag_fields(key_out(key)))
        keys.revoke(key, actor=request.auth)
    return Status(204, None)


@router.post("/{api_key_id}/rotate", response={200: KeyWithToken, **ERRORS})
def rotate_api_key(
    request: ApiRequest, api_key_id: UUID, payload: Rotation, response: HttpResponse
) -> dict[str, Any]:
    """A new token for the key. The one until now stays good for 24 hours, or as long as you say."""
    key = get_owned_or_404(require_scope(request, Scope.KEYS), api_key_id)
    overlap = timedelta(hours=payload.overlap_hours)
    with domain_errors():
        key, token = keys.rotate(key, actor=request.auth, overlap=overlap)
    return key_response(response, key, token=token)


@router.delete("/{api_key_id}/former-token", response={200: KeyShape, **ERRORS})
def end_former_token(
    request: ApiRequest, api_key_id: UUID, response: HttpResponse
) -> dict[str, Any]:
    """End the token from before the last rotation now. Harmless when there is none. 403 for a key
    that may do more than yours."""
    key = get_owned_or_404(require_scope(request, Scope.KEYS), api_key_id)
    with domain_errors():
        key = keys.end_former_token(key, actor=request.auth)
    return key_response(response, key)
