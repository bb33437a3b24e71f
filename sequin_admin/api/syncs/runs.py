"""/v1/syncs/runs: what engines claim and report, and what people see of it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from ninja import Query
from ninja.decorators import decorate_view
from ninja.errors import AuthenticationError

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.api.credentials.permits import long_polls
from sequin_admin.api.framework.auth import ApiRequest, CachedKeyAuth, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError, Problem
from sequin_admin.api.framework.pagination import PageParams, Rows
from sequin_admin.api.framework.quick import quick
from sequin_admin.api.framework.reads import json_response, one_response, page_response
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.rows import get_or_404, no_such
from sequin_admin.api.syncs.run_bodies import RunClaim, RunReportBody
from sequin_admin.api.syncs.run_schemas import (
    RUN,
    RUN_DETAIL,
    ClaimedRunShape,
    RunAnswer,
    RunDetail,
    RunList,
    RunShape,
    RunTarget,
    Status,
)
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, shutdown
from sequin_admin.syncs.models import Run
from sequin_admin.syncs.runs import claims, run_health, run_operations, run_reports, target_access
from sequin_admin.syncs.runs.claims import ClaimedRun, RunFilter
from sequin_admin.syncs.runs.progress import InvalidReport
from sequin_admin.syncs.runs.run_operations import RunRefused
from sequin_admin.syncs.runs.run_reports import RunOver, RunReport
from sequin_admin.syncs.runs.target_access import TargetUnusable

POLL_S = 0.5
RETRY_AFTER_S = 5

router = Resource(
    "Runs",
    "One worker reads one sync for one consumer, under a lease: what is due, where to go on, and "
    "what became of it.",
)
# Waiting for a run takes at most half of the places for long polls: permits are waited for, too.
claim_polls = threading.BoundedSemaphore(max(settings.LONG_POLLS // 2, 1))


class RunFilters(PageParams):
    """Query parameters of the list of runs."""

    equal = ("sync_id", "consumer_id", "status")

    sort: Literal["started_at", "-started_at"] = "-started_at"
    sync_id: UUID | None = None
    consumer_id: UUID | None = None
    status: Status | None = None
    provider: str = ""

    def narrow(self, rows: Rows) -> Rows:
        rows = super().narrow(rows)
        return rows.filter(sync__provider=self.provider) if self.provider else rows


def get_owned_or_404(organization: Organization, pk: UUID) -> Run:
    """With its sync and target. Raises 404."""
    rows = Run.objects.of(organization).select_related("sync__credential", "target")
    return get_or_404(rows.defer("sync__credential__secrets", "log"), pk, "run")


@router.post("/runs/claim", response={200: ClaimedRunShape, **ERRORS})
def claim_run(request: ApiRequest, payload: RunClaim, response: HttpResponse) -> dict[str, Any]:
    """Take the run that is longest due, of all that you would take. `run` is null when none is due
    within `wait_s`: ask again after the seconds in `Retry-After`.

    While you hold it your key reads the token of its credential, takes permits, and reads the
    connection to its target. Report before the lease ends.
    """
    require_scope(request, Scope.RUNS)
    wanted = RunFilter(payload.sync_ids, payload.consumer_ids, payload.providers)
    length = timedelta(seconds=payload.lease_s)
    claimed = claims.claim_or_make(request.auth, wanted, length)
    if claimed is None and payload.wait_s:
        with claim_place() as may_wait:
            if may_wait:
                claimed = wait_for_run(request, wanted, length, payload.wait_s)
    if claimed is None:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return claimed_out(claimed)


@contextmanager
def claim_place() -> Iterator[bool]:
    """Whether there is a place for one more who waits. Each takes up a thread."""
    if not claim_polls.acquire(blocking=False):
        yield False
        return
    try:
        may_wait = long_polls.acquire(blocking=False)
        try:
            yield may_wait
        finally:
            if may_wait:
                long_polls.release()
    finally:
        claim_polls.release()


def wait_for_run(
    request: ApiRequest, wanted: RunFilter, length: timedelta, wait_s: float
) -> ClaimedRun | None:
    """Raises 401 when the key ends meanwhile."""
    ends = time.monotonic() + wait_s
    while (left := ends - time.monotonic()) > 0 and not shutdown.is_requested():
        time.sleep(min(POLL_S, left))
        if not keys.is_still_usable(request.auth):
            raise AuthenticationError
        if claimed := claims.claim(request.auth, wanted, length):
            return claimed
    return None


def claimed_out(claimed: ClaimedRun | None) -> dict[str, Any]:
    if claimed is None:
        return {"run": None, "collections": []}
    names = ("collection_id", "cursor", "generation", "swap_from")
    collections = [
        {**{name: getattr(each.state, name) for name in names}, "name": each.name}
        for each in claimed.collections
    ]
    return {"run": RUN.fields_of(claimed.run), "collections": collections}


@router.post("/runs/{run_id}/report", response={200: RunAnswer, **ERRORS})
def report_run(request: ApiRequest, run_id: UUID, payload: RunReportBody) -> dict[str, Any]:
    """Report the progress of your run, and end it. Any report extends the lease.

    409 when it has ended, was lost, or another holds its sync and consumer: then stop. `requests`
    say what you should do: `pause` and `cancel` end the run, with status `cancelled`; `resync`
    reads a collection again, into a new generation; `hold_deletes` lets its sweep delete nothing,
    and its new generation wait.
    """
    require_scope(request, Scope.RUNS)
    sent = payload.model_dump(include={"fence", "status", "log"})
    trouble = payload.error.model_dump() if payload.error else None
    collections = [each.as_report() for each in payload.collections]
    report = RunReport(
        **sent, collections=collections, waiting=payload.waiting or "", error=trouble
    )
    try:
        answer = run_reports.record(run_id, request.auth, report)
    except Run.DoesNotExist:
        raise no_such("run") from None
    except RunOver as error:
        raise ApiError(409, str(error)) from None
    except InvalidReport as error:
        fields = {path: [sentence] for path, sentence in error.fields.items()}
        raise ApiError(422, INVALID, fields) from None
    run_health.record_progress(answer.run)
    return {
        "lease_until": answer.run.held_until,
        "requests": [each.as_json() for each in answer.requests],
    }


@router.get(
    "/runs/{run_id}/target", response={200: RunTarget, **ERRORS, 503: Problem}, by_alias=True
)
def get_run_target(request: ApiRequest, run_id: UUID) -> HttpResponse:
    """How to connect to the target of the run that you hold. Audited once a run."""
    run = get_owned_or_404(require_scope(request, Scope.RUNS), run_id)
    refuse_unless_held(request, run)
    if run.target is None:
        raise ApiError(409, f"{run} has no target any more. End it.")
    try:
        access = target_access.access_to(run.target)
    except TargetUnusable as error:
        headers = {"Retry-After": str(RETRY_AFTER_S)} if error.is_temporary else {}
        raise ApiError(503 if headers else 409, str(error), headers=headers) from None
    with transaction.atomic():
        unread = Run.objects.filter(pk=run.pk, target_read_at=None)
        if unread.update(target_read_at=clock.now()):
            record_change(run.target, "target.password_read", caller(request), run=str(run.pk))
    response = json_response(asdict(access))
    response["Cache-Control"] = "no-store"
    return response


def refuse_unless_held(request: ApiRequest, run: Run) -> None:
    """Raises 409."""
    if run.api_key_id != request.auth.pk:
        raise ApiError(409, f"{run} was claimed with another API key, which alone may do this.")
    if not claims.live_runs(Run.objects.filter(pk=run.pk)).exists():
        raise ApiError(409, f"{run} is over: it ended, or its lease did. Claim another run.")


@router.get("/runs", response={200: RunList, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def list_runs(request: ApiRequest, filters: Query[RunFilters]) -> HttpResponse:
    """Newest first unless sorted otherwise; follow `next_cursor` for more."""
    return page_response(request, RUN, filters)


@router.get("/runs/{run_id}", response={200: RunDetail, **ERRORS}, auth=CachedKeyAuth())
@decorate_view(quick)
def get_run(request: ApiRequest, run_id: UUID) -> HttpResponse:
    """One run with the last lines of its log."""
    return one_response(request, RUN_DETAIL, run_id, "run")


@router.post("/runs/{run_id}/cancel", response={200: RunShape, **ERRORS})
def cancel_run(request: ApiRequest, run_id: UUID) -> dict[str, Any]:
    """Ask the worker to end this run at its next report. The next one starts in its time."""
    organization = require_scope(request, Scope.WRITE)
    run = get_owned_or_404(organization, run_id)
    try:
        run_operations.cancel(run, actor=caller(request))
    except RunRefused as error:
        raise ApiError(409, str(error)) from None
    return RUN.fields_of(get_owned_or_404(organization, run_id))
