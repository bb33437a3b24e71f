"""Syncs for which no run has succeeded in twice their frequency."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from sequin_admin.access import endings
from sequin_admin.core import clock, shutdown
from sequin_admin.core.words import format_time
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.health.models import Check
from sequin_admin.health.status import Status
from sequin_admin.syncs import rules
from sequin_admin.syncs.check_results import LATE, REPORT, record_known
from sequin_admin.syncs.models import Run, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import pacing
from sequin_admin.syncs.runs.slots import BROKEN, active_slots

# Of one pass for one frequency; the next has the rest.
MOST_AT_ONCE = 1000
CHECKS = Check.objects.filter(entity=Sync.entity, entity_id=OuterRef("pk"))
REMEDY = "We must look whether a worker claims its runs, and what the last ones say."


def record_lateness() -> None:
    """Record which syncs are late, and which no longer are."""
    frequencies = Sync.objects.order_by().values_list("sync_frequency", flat=True).distinct()
    for frequency in [*frequencies]:
        late = late_syncs(frequency, clock.now() - pacing.late_after(frequency))
        known = CHECKS.filter(check_name=LATE)
        for sync in listed(late.filter(~Exists(known.filter(status=Status.SEQUIN)))):
            record_known(sync, {LATE: late_outcome(sync)}, LATE)
        failing = Exists(known.exclude(verdict=Verdict.OK))
        was_late = Sync.objects.filter(failing, sync_frequency=frequency)
        for sync in listed(was_late.exclude(pk__in=late.values("pk"))):
            record_known(sync, {LATE: outcomes.works()}, LATE)


def listed(rows: QuerySet[Sync]) -> Iterator[Sync]:
    for sync in rows.select_related("credential").defer("credential__secrets")[:MOST_AT_ONCE]:
        if shutdown.is_requested():
            return
        yield sync


def late_syncs(frequency: str, cutoff: datetime) -> QuerySet[Sync]:
    """Syncs of that frequency that are late, with nothing else that says why.

    They last succeeded before `cutoff`, and whatever kept them from it ended before. One that has
    never run is not late, and neither is one that a person has paused.
    """
    rows = Sync.objects.filter(
        unchanged_since("resumed_at", cutoff),
        unchanged_since("credential__health_since", cutoff),
        ~Exists(CHECKS.filter(status__in=BROKEN).exclude(check_name=LATE)),
        sync_frequency=frequency,
        disabled_at=None,
        paused_at=None,
        first_report_at__isnull=False,
        credential__disabled_at=None,
    ).exclude(credential__health_status__in=BROKEN)
    claimed = RunSlot.objects.filter(sync=OuterRef("pk"), last_started_at__isnull=False)
    reported = Q(last_succeeded_at__lt=cutoff) & ~Exists(claimed)
    rows = rows.filter(Exists(late_slots(cutoff)) | reported)
    return endings.without_ending(rows, endings.list_ending())


def late_slots(cutoff: datetime) -> QuerySet[RunSlot]:
    """Pairs of a sync that began to run, have not succeeded since `cutoff` and make no progress."""
    moving = Run.objects.filter(
        slot=OuterRef("pk"), status=RunStatus.RUNNING, last_progress_at__gte=cutoff
    )
    rows = active_slots().filter(
        unchanged_since("consumer__target__health_since", cutoff),
        ~Exists(moving),
        sync=OuterRef("pk"),
        last_started_at__isnull=False,
        stopped_at=None,
    )
    rows = rows.exclude(consumer__target__health_status__in=BROKEN)
    last = Coalesce(F("last_succeeded_at"), F("created_at"))
    return rows.annotate(last=last).filter(last__lt=cutoff)


def unchanged_since(column: str, cutoff: datetime) -> Q:
    return Q((column, None)) | Q((f"{column}__lt", cutoff))


def late_outcome(sync: Sync) -> Outcome:
    """While its runs fail and nobody can mend that, nobody must act for being late either."""
    since = sync.last_succeeded_at or sync.first_report_at
    every = rules.format_frequency(sync.sync_frequency)
    when = every[:1].lower() + every[1:]
    message = f"It runs {when}, but no run has succeeded since {format_time(since or clock.now())}."
    report = Check.objects.about(sync).filter(check_name=REPORT).first()
    if report and report.verdict == Verdict.TRANSIENT:
        return outcomes.transient(LATE, message)
    return outcomes.operator(LATE, message, REMEDY, of_app=False)
