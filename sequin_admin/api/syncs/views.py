"""/v1/syncs"""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from ninja import Query, Status
from ninja.decorators import decorate_view

from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.credentials.schemas import (
    CredentialImport,
    entry_error,
    notice_of,
    refuse_blank,
)
from sequin_admin.api.credentials.views import get_oauth_app_or_422
from sequin_admin.api.credentials.views import get_owned_or_404 as get_owned_credential
from sequin_admin.api.framework.auth import ApiRequest, CachedKeyAuth, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError, StillUsed
from sequin_admin.api.framework.etags import IfMatch, check_if_match, with_etag
from sequin_admin.api.framework.pagination import ProviderFilters, Rows
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404
from sequin_admin.api.health import health_detail
from sequin_admin.api.syncs.schemas import (
    SYNC,
    CreatedSync,
    Report,
    SyncCreate,
    SyncHealthDetail,
    SyncList,
    SyncPatch,
    SyncShape,
)
from sequin_admin.connect import credential_operations
from sequin_admin.connect.credential_operations import Saved
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import InvalidEntry
from sequin_admin.health import probes
from sequin_admin.syncs import reports, syncs
from sequin_admin.syncs.models import Stream, Sync

router = Resource(
    "Syncs",
    "Which collections of an account are read, how often, and how that goes.",
)


class SyncFilters(ProviderFilters):
    """Query parameters of the list of syncs."""

    equal = ("name", "provider", "external_id", "credential_id", "stream_id")

    status: Literal["active", "disabled"] | None = None
    external_id: str = ""
    credential_id: UUID | None = None
    stream_id: UUID | None = None

    def narrow(self, rows: Rows) -> Rows:
        rows = super().narrow(rows)
        return rows.filter(disabled_at__isnull=self.status == "active") if self.status else rows


def get_owned_or_404(organization: Organization, pk: UUID, *, lock: bool = False) -> Sync:
    """With its credential. Raises 404."""
    rows = Sync.objects.of(organization)
    rows = rows.select_related("credential__oauth_app", "credential__rate_limit")
    return get_or_404(rows, pk, "sync", lock=lock)


def sync_out(sync: Sync) -> dict[str, Any]:
    return SYNC.fields_of(sync)


@router.post("", response={201: CreatedSync, **ERRORS}, exclude_unset=True)
def create_sync(
    request: ApiRequest, payload: SyncCreate, response: HttpResponse
) -> Status[dict[str, Any]]:
    """Sync an account: of an existing credential, or of one that is sent along, which is imported
    as POST /v1/credentials does it. `credential.notice` is that of its import."""
    organization = require_scope(request, Scope.WRITE)
    syncs.check_collections(payload.collection_ids, payload.provider)
    stream = stream_for(organization, payload)
    columns = payload.model_dump(exclude={"provider", "credential", "credential_id", "stream_id"})
    columns["external_id"] = columns["external_id"] or ""
    # First, so that no provider is called in vain.
    syncs.refuse_too_many(organization)
    credential = credential_for(request, organization, payload)
    # A refused sync keeps nothing of the credential that was sent along.
    with transaction.atomic():
        saved = save_inline_credential(request, credential, payload)
        owner = saved.credential if saved else credential
        sync = syncs.create(owner, actor=caller(request), stream=stream, **columns)
    if saved and saved.needs_probe:
        probes.verify_entered(saved.credential)
    created = with_etag(response, sync_out(get_owned_or_404(organization, sync.pk)))
    sent = payload.credential
    notice = notice_of(saved.change, sent.properties) if saved and sent else {}
    return Status(201, {**created, "credential": {**created["credential"], **notice}})


def stream_for(organization: Organization, payload: SyncCreate) -> Stream | None:
    """The named stream. Raises 422."""
    if payload.stream_id is None:
        return None
    stream = Stream.objects.of(organization).filter(pk=payload.stream_id).first()
    if stream is None:
        message = "There is no stream with this id in your organization."
        raise ApiError(422, INVALID, {"stream_id": [message]})
    return stream


def credential_for(
    request: ApiRequest, organization: Organization, payload: SyncCreate
) -> Credential:
    """The named credential, or a draft of the one sent along. Raises 422 for another provider."""
    if (payload.credential is None) == (payload.credential_id is None):
        message = "Send either credential_id or credential, not both."
        raise ApiError(422, INVALID, {"credential_id": [message]})
    if payload.credential_id:
        rows = Credential.objects.of(organization).filter(pk=payload.credential_id)
        if not rows.exists():
            message = "There is no credential with this id in your organization."
            raise ApiError(422, INVALID, {"credential_id": [message]})
        credential = get_owned_credential(organization, payload.credential_id)
        refuse_other_provider(credential.provider, payload.provider)
        return credential
    return draft_inline_credential(request, organization, payload)


def draft_inline_credential(
    request: ApiRequest, organization: Organization, payload: SyncCreate
) -> Credential:
    """A draft of the credential that was sent along. Raises 422."""
    sent = payload.credential
    assert sent is not None  # noqa: S101 - for mypy
    refuse_other_provider(kinds.get(sent.properties.kind).provider, payload.provider)
    refuse_blank(sent.properties)
    app = get_oauth_app_or_422(
        organization,
        CredentialImport.model_construct(
            properties=sent.properties, oauth_app_id=sent.oauth_app_id
        ),
    )
    try:
        return credential_operations.identified_draft(
            organization, sent.properties, actor=caller(request), oauth_app=app
        )
    except InvalidEntry as error:
        raise entry_error(error, "credential.properties.") from None


def save_inline_credential(
    request: ApiRequest, draft: Credential, payload: SyncCreate
) -> Saved | None:
    """None when the sync is of a credential that there was before. Raises 422."""
    if payload.credential is None:
        return None
    try:
        return credential_operations.save_draft(
            draft, actor=caller(request), metadata=payload.credential.metadata
        )
    except InvalidEntry as error:
        raise entry_error(error, "credential.properties.") from None


def refuse_other_provider(found: str, named: str) -> None:
    """Raises 422."""
    if found != named:
        message = f"The credential is of {found}. Name that provider, or another credential."
        raise ApiError(422, INVALID, {"provider": [message]})


@router.get("", response={200: SyncList, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def list_syncs(request: ApiRequest, filters: Query[SyncFilters]) -> HttpResponse:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    return page_response(request, SYNC, filters)


@router.get("/{sync_id}", response={200: SyncShape, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def get_sync(request: ApiRequest, sync_id: UUID) -> HttpResponse:
    """One sync with its credential, and its ETag."""
    return one_response(request, SYNC, sync_id, "sync")


# Columns that null clears, with their cleared value. Elsewhere null changes nothing.
CLEARED = {"rate_limit": None, "max_age_days": None, "external_id": ""}


@router.patch("/{sync_id}", response={200: SyncShape, **ERRORS})
def update_sync(
    request: ApiRequest,
    sync_id: UUID,
    payload: SyncPatch,
    response: HttpResponse,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Change what is sent. Null takes rate_limit, max_age_days and external_id away, and leaves
    the rest as it is. Credential, provider and stream can't change: make another sync."""
    organization = require_scope(request, Scope.WRITE)
    sent = payload.model_dump(exclude_unset=True)
    columns = {n: CLEARED.get(n) if v is None else v for n, v in sent.items()}
    columns = {n: v for n, v in columns.items() if v is not None or n in CLEARED}
    status = columns.pop("status", None)
    with transaction.atomic():
        sync = get_owned_or_404(organization, sync_id, lock=True)
        check_if_match(if_match, sync_out(sync))
        syncs.update(sync, actor=caller(request), **columns)
        if status:
            syncs.set_status(sync, status, actor=caller(request))
    return with_etag(response, sync_out(get_owned_or_404(organization, sync_id)))


@router.delete("/{sync_id}", response={204: None, **ERRORS, 409: StillUsed})
def delete_sync(request: ApiRequest, sync_id: UUID, if_match: IfMatch = None) -> Status[None]:
    """Refused with 409 while consumers name it."""
    organization = require_scope(request, Scope.WRITE)
    with transaction.atomic():
        sync = get_owned_or_404(organization, sync_id, lock=True)
        check_if_match(if_match, sync_out(sync))
        syncs.delete(sync, actor=caller(request))
    return Status(204, None)


@router.post("/{sync_id}/report", response={200: SyncHealthDetail, **ERRORS})
def report(request: ApiRequest, sync_id: UUID, payload: Report) -> dict[str, Any]:
    """Report the progress of the sync's worker, and what stopped it."""
    organization = require_scope(request, Scope.WRITE)
    trouble = reports.ReportedError(**payload.error.model_dump()) if payload.error else None
    sync = get_owned_or_404(organization, sync_id)
    reports.record_report(
        sync,
        rows=payload.rows,
        lag_s=payload.lag_s,
        backfilled=payload.initial_backfill_completed,
        trouble=trouble,
    )
    return sync_health_detail(get_owned_or_404(organization, sync_id))


@router.get("/{sync_id}/health", response={200: SyncHealthDetail, **ERRORS})
def sync_health(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """The status with its reason, and what its worker reported last."""
    return sync_health_detail(get_owned_or_404(require_scope(request, Scope.READ), sync_id))


def sync_health_detail(sync: Sync) -> dict[str, Any]:
    names = ("rows_total", "lag_s", "last_report_at")
    reported = {name: getattr(sync, name) for name in names}
    return {**health_detail(sync), "sync_id": str(sync.pk), **reported}
