"""Syncs for which no run has succeeded in twice their frequency."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from sequin_admin.access import endings
from sequin_admin.core import clock, shutdown
from sequin_admin.core.words import format_time
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.health.checks import record_checks_of_many
from sequin_admin.health.models import Check
from sequin_admin.health.rollup import BATCH_SIZE, locked_in_order, propagate
from sequin_admin.health.status import Status
from sequin_admin.syncs import rules
from sequin_admin.syncs.check_results import LATE, REPORT
from sequin_admin.syncs.health import prefetch_consumers
from sequin_admin.syncs.models import Run, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import pacing
from sequin_admin.syncs.runs.slots import BROKEN, active_slots

# Of one pass for one frequency; the next has the rest.
MOST_AT_ONCE = 1000
CHECKS = Check.objects.filter(entity=Sync.entity, entity_id=OuterRef("pk"))
Judge = Callable[[Sequence[Sync]], Mapping[Sync, Outcome]]
REMEDY = "We must look whether a worker claims its runs, and what the last ones say."


def record_lateness() -> None:
    """Record which syncs are late, and which no longer are."""
    frequencies = Sync.objects.order_by().values_list("sync_frequency", flat=True).distinct()
    for frequency in [*frequencies]:
        late = late_syncs(frequency, clock.now() - pacing.late_after(frequency))
        known = CHECKS.filter(check_name=LATE)
        record_all(late.filter(~Exists(known.filter(status=Status.SEQUIN))), late_outcomes)
        failing = Exists(known.exclude(verdict=Verdict.OK))
        was_late = Sync.objects.filter(failing, sync_frequency=frequency)
        record_all(was_late.exclude(pk__in=late.values("pk")), outcomes_in_time)


def record_all(rows: QuerySet[Sync], judge: Judge) -> None:
    """Record what `judge` says of each, a batch in each transaction."""
    pks = list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])
    for start in range(0, len(pks), BATCH_SIZE):
        if shutdown.is_requested():
            return
        # Only those of which it is still so when they are locked.
        batch = rows.filter(pk__in=pks[start : start + BATCH_SIZE])
        batch = batch.select_related("credential").defer("credential__secrets")
        with transaction.atomic():
            judged = judge(prefetch_consumers(list(locked_in_order(batch))))
            results = {sync.pk: {LATE: outcome} for sync, outcome in judged.items()}
            changed = record_checks_of_many(list(judged), results)
        propagate(changed)


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


def outcomes_in_time(syncs: Sequence[Sync]) -> dict[Sync, Outcome]:
    return dict.fromkeys(syncs, outcomes.works())


def late_outcomes(syncs: Sequence[Sync]) -> dict[Sync, Outcome]:
    """While its runs fail and nobody can mend that, nobody must act for being late either."""
    reports = Check.objects.filter(check_name=REPORT, verdict=Verdict.TRANSIENT)
    failing = reports.filter(entity=Sync.entity, entity_id__in=[sync.pk for sync in syncs])
    transient = set(failing.values_list("entity_id", flat=True))
    return {sync: late_outcome(sync, transient=sync.pk in transient) for sync in syncs}


def late_outcome(sync: Sync, *, transient: bool) -> Outcome:
    since = sync.last_succeeded_at or sync.first_report_at
    every = rules.format_frequency(sync.sync_frequency)
    when = every[:1].lower() + every[1:]
    message = f"It runs {when}, but no run has succeeded since {format_time(since or clock.now())}."
    if transient:
        return outcomes.transient(LATE, message)
    return outcomes.operator(LATE, message, REMEDY, of_app=False)
