"""/v1/syncs/{id}/schedule: when runs are due, and what people ask of them."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sequin_admin.access.models import Scope
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.syncs.run_bodies import ConfirmBody, ResyncBody
from sequin_admin.api.syncs.run_schemas import SyncSchedule
from sequin_admin.api.syncs.views import get_owned_or_404
from sequin_admin.syncs.models import Sync
from sequin_admin.syncs.runs import run_health, run_operations, slots
from sequin_admin.syncs.runs.run_operations import RunRefused

router = Resource("Runs")


def schedule_out(sync: Sync) -> dict[str, Any]:
    pairs = [asdict(each) for each in slots.schedules_of(sync)]
    return {"sync_id": sync.pk, "paused": sync.paused_at is not None, "data": pairs}


@router.get("/{sync_id}/schedule", response={200: SyncSchedule, **ERRORS})
def get_sync_schedule(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """When the next run for each consumer is due, or why none is."""
    return schedule_out(get_owned_or_404(require_scope(request, Scope.READ), sync_id))


@router.post("/{sync_id}/pause", response={200: SyncSchedule, **ERRORS})
def pause_sync(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """Let no run start until it is resumed. A running one ends at its next report."""
    sync = get_owned_or_404(require_scope(request, Scope.WRITE), sync_id)
    run_operations.pause(sync, actor=caller(request))
    return schedule_out(sync)


@router.post("/{sync_id}/resume", response={200: SyncSchedule, **ERRORS})
def resume_sync(request: ApiRequest, sync_id: UUID) -> dict[str, Any]:
    """Let the next run start at once: after a pause, after a stop, or before its time."""
    sync = get_owned_or_404(require_scope(request, Scope.WRITE), sync_id)
    run_operations.resume(sync, actor=caller(request))
    return schedule_out(sync)


@router.post("/{sync_id}/resync", response={200: SyncSchedule, **ERRORS})
def resync_collection(request: ApiRequest, sync_id: UUID, payload: ResyncBody) -> dict[str, Any]:
    """Let the next runs read a collection again from its beginning, beside what readers see."""
    sync = get_owned_or_404(require_scope(request, Scope.WRITE), sync_id)
    try:
        run_operations.resync(sync, payload.collection_id, actor=caller(request))
    except RunRefused as error:
        raise ApiError(422, INVALID, {"collection_id": [str(error)]}) from None
    return schedule_out(sync)


@router.post("/{sync_id}/confirm-deletes", response={200: SyncSchedule, **ERRORS})
def confirm_deletes(request: ApiRequest, sync_id: UUID, payload: ConfirmBody) -> dict[str, Any]:
    """Let the next full pass delete what a sweep has found missing. 409 when nothing waits."""
    sync = get_owned_or_404(require_scope(request, Scope.WRITE), sync_id)
    try:
        run_operations.confirm_deletes(
            sync, actor=caller(request), collection_id=payload.collection_id
        )
    except RunRefused as error:
        raise ApiError(409, str(error)) from None
    run_health.record_findings(sync)
    return schedule_out(sync)
