"""/v1/targets/postgres"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.framework.auth import (
    ApiRequest,
    CachedKeyAuth,
    caller,
    check_cached_key,
    require_scope,
)
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError, Problem, StillUsed
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import HealthFilters, paginate_request
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import Answer, one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.health import HealthDetail, health_detail
from sequin_admin.api.syncs.target_schemas import (
    TARGET,
    SavedTarget,
    TargetCreate,
    TargetList,
    TargetPatch,
    TargetShape,
    TestResult,
    columns_of,
    target_out,
)
from sequin_admin.credentials.properties import warn_of_space
from sequin_admin.syncs import postgres, targets
from sequin_admin.syncs.connection_slots import TestsBusy, WaitingRoom
from sequin_admin.syncs.models import Target

# With the time that a test may take, 8 seconds.
WAIT_S = 8 - postgres.DEADLINE_S - postgres.START_S
RETRY_AFTER_S = 5

router = Resource(
    "Targets",
    "The databases that are written to.",
)
waiting_room = WaitingRoom(settings.TARGET_TEST_WAITS)


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Target:
    """Raises 404."""
    return get_or_404(Target.objects.of(organization), pk, "target", lock=lock)


def with_hint(request: ApiRequest, target: Target, out: dict[str, Any]) -> dict[str, Any]:
    """`out`, whose ETag is the same for every key, with the ends of the password for a key that may
    read secrets."""
    if Scope.SECRETS not in request.auth.scopes:
        return out
    return {**out, "connection": {**out["connection"], "password": target.masked_password()}}


@contextmanager
def reporting_fields() -> Iterator[None]:
    """422 that names the fields of the domain's `ValidationError`."""
    try:
        yield
    except ValidationError as error:
        fields = {f"connection.{name}": text for name, text in error.message_dict.items()}
        raise ApiError(422, INVALID, fields) from None


@router.post("", response={201: SavedTarget, **ERRORS}, by_alias=True, exclude_unset=True)
def create_target(
    request: ApiRequest, payload: TargetCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Register a database. Nothing is sent to it before it is tested."""
    columns, password = columns_of(payload)
    organization = require_scope(request, Scope.WRITE)
    with reporting_fields():
        target = targets.create(organization, actor=caller(request), password=password, **columns)
    shown = with_hint(request, target, with_etag(response, target_out(target)))
    return Status(201, shown | password_notice(password))


def password_notice(password: str) -> dict[str, str]:
    """The notice by its name in an answer; empty when there is nothing to say."""
    warning = warn_of_space("The password", password)
    return {"notice": warning} if warning else {}


@router.get("", response={200: TargetList, **ERRORS}, by_alias=True, auth=CachedKeyAuth())
@decorate_view(quick)
def list_targets(request: ApiRequest, filters: Query[HealthFilters]) -> Answer:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    if Scope.SECRETS not in request.auth.scopes:
        masked = page_response(request, TARGET, filters)
        # Unless the key has got the scope just now.
        if Scope.SECRETS not in request.auth.scopes:
            return masked
    check_cached_key(request)
    rows = Target.objects.of(require_scope(request, Scope.READ))
    page, following = paginate_request(request, filters, rows)
    return {
        "data": [with_hint(request, row, target_out(row)) for row in page],
        "next_cursor": following,
    }


@router.get(
    "/{target_id}", response={200: TargetShape, **ERRORS}, by_alias=True, auth=CachedKeyAuth()
)
@decorate_view(quick)
def get_target(request: ApiRequest, target_id: UUID, response: HttpResponse) -> Answer:
    """One target, with its ETag."""
    if Scope.SECRETS not in request.auth.scopes:
        masked = one_response(request, TARGET, target_id, "target")
        if Scope.SECRETS not in request.auth.scopes:
            return masked
    check_cached_key(request)
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
) -> dict[str, Any]:
    """Change what is sent; what is left out or null stays as it is, and so does the password when
    its mask is sent. A new host, port or TLS mode takes the password again."""
    organization = require_scope(request, Scope.WRITE)
    columns, password = columns_of(payload)
    with transaction.atomic():
        target = get_owned_or_404(organization, target_id, lock=True)
        check_if_match(if_match, target_out(target))
        with reporting_fields():
            targets.update(target, actor=caller(request), password=password, **columns)
    target = get_owned_or_404(organization, target_id)
    shown = with_hint(request, target, with_etag(response, target_out(target)))
    return shown | password_notice(password)


@router.get("/{target_id}/health", response={200: HealthDetail, **ERRORS})
def target_health(request: ApiRequest, target_id: UUID) -> dict[str, Any]:
    """The status with its reasons, checks and history."""
    return health_detail(get_owned_or_404(require_scope(request, Scope.READ), target_id))


@router.delete("/{target_id}", response={204: None, **ERRORS, 409: StillUsed})
def delete_target(request: ApiRequest, target_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """Refused with 409 while consumers write to it."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        target = get_owned_or_404(organization, target_id, lock=True)
        check_if_match(if_match, target_out(target))
        targets.delete(target, actor=caller(request))
    return Status(204, None)


@router.post(
    "/{target_id}/test_connection",
    response={200: TestResult, **ERRORS, 503: Problem},
    exclude_none=True,
)
def test_connection(request: ApiRequest, target_id: UUID) -> dict[str, Any]:
    """Connect now. Takes up to 8 seconds; 503 with `Retry-After` when the target, or two others of
    the organization, are being tested at the moment."""
    organization = require_scope(request, Scope.WRITE)
    target = get_owned_or_404(organization, target_id)
    try:
        with waiting_room.enter(organization):
            outcome = targets.verify(target, actor=caller(request), wait_s=WAIT_S)
    except TestsBusy as error:
        raise ApiError(503, str(error), headers={"Retry-After": str(RETRY_AFTER_S)}) from None
    if outcome.ok:
        return {"success": True, "server_version": outcome.discovered["server_version"]}
    return {"success": False, "reason": outcome.sentence}
