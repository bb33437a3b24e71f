"""/v1/targets/postgres"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Router, Status
from pydantic import BeforeValidator, Field, SecretStr

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import ApiRequest, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError, Problem, StillUsed
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import HealthFilters, paginate_request
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.api.schemas import Body, Health, Metadata, Shape, Timestamp, health_out
from sequin_admin.credentials.models import NAME_CHARS
from sequin_admin.credentials.properties import MASK, warn_of_space
from sequin_admin.syncs import postgres, targets
from sequin_admin.syncs.connection_slots import TestsBusy, WaitingRoom
from sequin_admin.syncs.models import Target
from sequin_admin.syncs.rules import HOST

# With the time that a test may take, 8 seconds.
WAIT_S = 8 - postgres.DEADLINE_S - postgres.START_S
RETRY_AFTER_S = 5

router = Router(tags=["Targets"])
waiting_room = WaitingRoom(settings.TARGET_TEST_WAITS)

Mode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
MODE = "Ours, as libpq's sslmode."
SCHEMA = "Ours. Empty means the user's own search path."
# What PostgreSQL takes for a name: https://www.postgresql.org/docs/current/limits.html
Name = Annotated[str, Field(min_length=1, max_length=63)]
Host = Annotated[str, Field(pattern=HOST, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65_535)]


def whole_password(value: Any) -> Any:
    """The text with the white space at its ends, which a body's other texts lose. Empty when there
    is nothing else."""
    return SecretStr(value if value.strip() else "") if isinstance(value, str) else value


Password = Annotated[
    SecretStr, BeforeValidator(whole_password), Field(min_length=1, max_length=1000)
]


class Connection(Body):
    host: Host
    port: Port = 5432
    database: Name
    username: Name
    password: Password


class ConnectionPatch(Body):
    host: Host | None = None
    port: Port | None = None
    database: Name | None = None
    username: Name | None = None
    password: Password | None = None


class TargetCreate(Body):
    name: str = Field(min_length=1, max_length=NAME_CHARS)
    connection: Connection
    ssl_mode: Mode = Field(default="prefer", description=MODE)
    # `schema` is a method of pydantic's models.
    schema_name: str = Field(default="", alias="schema", max_length=63, description=SCHEMA)
    metadata: Metadata = Field(default_factory=dict)


class TargetPatch(Body):
    name: str | None = Field(default=None, min_length=1, max_length=NAME_CHARS)
    connection: ConnectionPatch | None = None
    ssl_mode: Mode | None = Field(default=None, description=MODE)
    schema_name: str | None = Field(default=None, alias="schema", max_length=63, description=SCHEMA)
    metadata: Metadata | None = None


class ConnectionShape(Shape):
    host: str
    port: int
    database: str
    username: str
    password: str = Field(
        description="first4...last4 of a long one to a key with the scope `secrets`, asterisks "
        "otherwise."
    )


class TargetShape(Shape):
    id: str
    name: str
    kind: Literal["postgres"]
    connection: ConnectionShape
    ssl_mode: Mode = Field(description=MODE)
    schema_name: str = Field(alias="schema", description=SCHEMA)
    ssh_tunnel_id: None = Field(description="Always null: there are no tunnels here.")
    health: Health
    metadata: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp


class SavedTarget(TargetShape):
    notice: str | None = Field(
        default=None,
        description="Only when the password begins or ends with white space, which is kept.",
    )


class TargetList(Shape):
    data: list[TargetShape]
    next_cursor: str | None


class TestResult(Shape):
    success: bool
    reason: str | None = Field(default=None, description="What is wrong and what to do.")
    server_version: str | None = None


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Target:
    rows = Target.objects.of(organization)
    target: Target | None = (rows.select_for_update() if lock else rows).filter(pk=pk).first()
    if target is None:
        raise ApiError(404, "There is no such target in your organization.")
    return target


def target_out(target: Target) -> dict[str, Any]:
    names = ("host", "port", "database", "username")
    return {
        "id": str(target.pk),
        "name": target.name,
        "kind": target.kind,
        "connection": {
            **{name: getattr(target, name) for name in names},
            "password": MASK,
        },
        "ssl_mode": target.ssl_mode,
        "schema": target.schema,
        "ssh_tunnel_id": None,
        "health": health_out(target),
        "metadata": target.metadata,
        "created_at": target.created_at,
        "updated_at": target.updated_at,
    }


def with_hint(request: ApiRequest, target: Target, out: dict[str, Any]) -> dict[str, Any]:
    """`out`, whose ETag is the same for every key, with the ends of the password for a key that may
    read secrets."""
    if Scope.SECRETS not in request.auth.scopes:
        return out
    return {**out, "connection": {**out["connection"], "password": target.masked_password()}}


def columns_of(payload: TargetCreate | TargetPatch) -> tuple[dict[str, Any], str]:
    """The columns that were sent, and the password."""
    sent = payload.model_dump(exclude_none=True)
    connection = sent.pop("connection", {})
    secret = connection.pop("password", None)
    if "schema_name" in sent:
        sent["schema"] = sent.pop("schema_name")
    return {**sent, **connection}, secret.get_secret_value() if secret else ""


@contextmanager
def reporting_fields() -> Iterator[None]:
    """422 that names the fields of the domain's `ValidationError`."""
    try:
        yield
    except ValidationError as error:
        fields = {f"connection.{name}": text for name, text in error.message_dict.items()}
        raise ApiError(422, INVALID, fields) from None


@router.post("", response={201: SavedTarget, **ERRORS}, by_alias=True, exclude_unset=True)
def create_target(request: ApiRequest, payload: TargetCreate, response: HttpResponse) -> Any:
    """Register a database. Nothing is sent to it before it is tested."""
    columns, password = columns_of(payload)
    organization = require_scope(request, Scope.WRITE)
    with reporting_fields():
        target = targets.create(organization, actor=request.auth, password=password, **columns)
    shown = with_hint(request, target, with_etag(response, target_out(target)))
    return Status(201, shown | password_notice(password))


def password_notice(password: str) -> dict[str, str]:
    """The notice by its name in an answer; empty when there is nothing to say."""
    warning = warn_of_space("The password", password)
    return {"notice": warning} if warning else {}


@router.get("", response={200: TargetList, **ERRORS}, by_alias=True)
def list_targets(request: ApiRequest, filters: Query[HealthFilters]) -> Any:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    rows = Target.objects.of(require_scope(request, Scope.READ))
    page, following = paginate_request(request, filters, rows)
    return {
        "data": [with_hint(request, row, target_out(row)) for row in page],
        "next_cursor": following,
    }


@router.get("/{target_id}", response={200: TargetShape, **ERRORS}, by_alias=True)
def get_target(request: ApiRequest, target_id: UUID, response: HttpResponse) -> Any:
    """One target, with its ETag."""
    target = get_owned_or_404(require_scope(request, Scope.READ), target_id)
    return with_hint(request, target, with_etag(response, target_out(target)))


@router.patch(
    "/{target_id}", response={200: SavedTarget, **ERRORS}, by_alias=True, exclude_unset=True
)
def update_target(
    request: ApiRequest,
    target_id: UUID,
    payload: TargetPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> Any:
    """Change what is sent; what is left out or null stays as it is, and so does the password when
    its mask is sent. A new host, port or TLS mode takes the password again."""
    organization = require_scope(request, Scope.WRITE)
    columns, password = columns_of(payload)
    with transaction.atomic():
        target = get_owned_or_404(organization, target_id, lock=True)
        check_if_match(if_match, target_out(target))
        with reporting_fields():
            targets.update(target, actor=request.auth, password=password, **columns)
    target = get_owned_or_404(organization, target_id)
    shown = with_hint(request, target, with_etag(response, target_out(target)))
    return shown | password_notice(password)


@router.get("/{target_id}/health", response={200: HealthDetail, **ERRORS})
def target_health(request: ApiRequest, target_id: UUID) -> Any:
    """The status with its reasons, checks and history."""
    return health_detail(get_owned_or_404(require_scope(request, Scope.READ), target_id))


@router.delete("/{target_id}", response={204: None, **ERRORS, 409: StillUsed})
def delete_target(request: ApiRequest, target_id: UUID, if_match: IfMatch = None) -> Any:
    """Refused with 409 while consumers write to it."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        target = get_owned_or_404(organization, target_id, lock=True)
        check_if_match(if_match, target_out(target))
        targets.delete(target, actor=request.auth)
    return Status(204, None)


@router.post(
    "/{target_id}/test_connection",
    response={200: TestResult, **ERRORS, 503: Problem},
    exclude_none=True,
)
def test_connection(request: ApiRequest, target_id: UUID) -> Any:
    """Connect now. Takes up to 8 seconds; 503 with `Retry-After` when the target, or two others of
    the organization, are being tested at the moment."""
    organization = require_scope(request, Scope.WRITE)
    target = get_owned_or_404(organization, target_id)
    try:
        with waiting_room.enter(organization):
            outcome = targets.verify(target, actor=request.auth, wait_s=WAIT_S)
    except TestsBusy as error:
        raise ApiError(503, str(error), headers={"Retry-After": str(RETRY_AFTER_S)}) from None
    if outcome.ok:
        return {"success": True, "server_version": outcome.discovered["server_version"]}
    return {"success": False, "reason": outcome.sentence}
