"""What the tab Runs of a sync shows, as parts that its poll keeps up to date."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Subquery,
    Sum,
    Value,
    When,
)
from django.utils.functional import cached_property

from sequin_admin.core import clock
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.run_pages.progress import (
    ShownCollection,
    ShownPair,
    ShownRun,
    of_state,
)
from sequin_admin.limits.models import Sample, SamplePeriod, get_rate
from sequin_admin.syncs.models import CollectionState, Run, RunSample, RunSlot, RunStatus, Sync
from sequin_admin.syncs.runs import forecasts, slots
from sequin_admin.syncs.runs.run_samples import SPAN

LATEST = 8
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class SyncRuns:
    """The pairs of a sync with its consumers, their collections, and the latest runs. Queries run
    when they are asked for."""

    sync: Sync

    @cached_property
    def slots(self) -> list[RunSlot]:
        rows = RunSlot.objects.filter(slots.selected(), sync=self.sync)
        rows = rows.select_related("consumer__target").defer("consumer__target__secrets")
        found = list(rows.annotate(**of_last_day()).order_by("consumer__name", "pk"))
        for slot in found:
            slot.sync = self.sync
        return found

    @cached_property
    def states(self) -> list[CollectionState]:
        pks = [slot.pk for slot in self.slots]
        rows = CollectionState.objects.filter(slot__in=pks) if pks else ()
        order = {pk: number for number, pk in enumerate(pks)}
        return sorted(rows, key=lambda row: (order[row.slot_id], row.collection_id))

    @cached_property
    def latest(self) -> list[Run]:
        """The running ones first, then the newest."""
        first = Case(When(status=RunStatus.RUNNING, then=Value(0)), default=Value(1))
        rows = Run.objects.filter(sync=self.sync).order_by(first, "-started_at", "-id")
        found = list(rows.defer("log").select_related("consumer", "target")[:LATEST])
        pairs = {slot.pk: slot for slot in self.slots}
        for run in found:
            run.sync = self.sync
            run.slot = pairs.get(run.slot_id) if run.slot_id else None
        return found

    @cached_property
    def most_rows_per_minute(self) -> int | None:
        """What the limit lets through, at as many rows a call as in the last day. None without a
        run in it: who reports without runs need not make its calls through us."""
        since = clock.now() - DAY
        if not any(slot.last_started_at and slot.last_started_at >= since for slot in self.slots):
            return None
        used = vars(self.slots[0])
        per_call = forecasts.rows_per_call(used.get("day_rows") or 0, used.get("day_calls") or 0)
        return forecasts.most_rows_per_minute(get_rate(self.sync.credential), per_call)

    @cached_property
    def pairs(self) -> list[ShownPair]:
        running = {run.slot_id: self.show(run) for run in self.latest if run.is_running()}
        return [ShownPair.of(slot, running.get(slot.pk)) for slot in self.slots]

    def show(self, run: Run) -> ShownRun:
        known = {row.collection_id: row for row in self.states if row.slot_id == run.slot_id}
        return ShownRun(run, self.most_rows_per_minute, known)

    @property
    def collections(self) -> list[ShownCollection]:
        names = {slot.pk: slot.consumer.name for slot in self.slots}
        shown = names if len(names) > 1 else dict[UUID, str]()
        return [of_state(row, shown.get(row.slot_id, "")) for row in self.states]

    @property
    def is_running(self) -> bool:
        return any(pair.running for pair in self.pairs)

    @property
    def needs_resume(self) -> bool:
        """Whether it is paused or stopped, so that no run starts by itself."""
        stopped = any(pair.state.label == "Stopped" for pair in self.pairs)
        return self.sync.paused_at is not None or stopped

    @property
    def can_hurry(self) -> bool:
        """Whether a run waits for its time."""
        return any(pair.is_waiting and pair.slot.due_at > clock.now() for pair in self.pairs)

    @property
    def has_held_deletes(self) -> bool:
        return any(each.is_held for each in self.collections)


def of_last_day() -> dict[str, Subquery]:
    """Of the credential of a slot: the rows that its syncs read in the last day, and the calls that
    it made meanwhile. What else calls with it counts only while they read."""
    since, credential = clock.now() - DAY, OuterRef("sync__credential")
    samples = RunSample.objects.filter(sync__credential=credential, at__gte=since)
    meanwhile = RunSample.objects.filter(
        sync__credential=OuterRef("credential"),
        at__lte=OuterRef("at"),
        at__gt=ExpressionWrapper(OuterRef("at") - SPAN, DateTimeField()),
        rows_read__gt=0,
    )
    used = Sample.objects.filter(
        Exists(meanwhile), credential=credential, span=SamplePeriod.MINUTE, at__gte=since
    )
    rows = samples.order_by().values("sync__credential").annotate(sum=Sum("rows_read"))
    calls = used.order_by().values("credential").annotate(sum=Sum("granted"))
    return {"day_rows": Subquery(rows.values("sum")), "day_calls": Subquery(calls.values("sum"))}


def find_sync_runs(request: Request, pk: str) -> SyncRuns | None:
    """Once a request, for all parts that show it."""
    known = getattr(request, "sync_runs", None)
    found = known if isinstance(known, SyncRuns) and str(known.sync.pk) == pk else None
    if found is None:
        rows = Sync.objects.of(request.organization).filter(pk__in=parse_uuids([pk]))
        sync = rows.select_related("credential__rate_limit").defer("credential__secrets").first()
        found = SyncRuns(sync) if sync else None
        request.sync_runs = found
    return found


@live.register("sync_runs", "runs/now.html")
def load_now(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    found = find_sync_runs(request, keys[0])
    if found:
        yield now_part(found)


@live.register("sync_collections", "runs/collections.html")
def load_collections(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    found = find_sync_runs(request, keys[0])
    if found:
        yield collections_part(found)


def now_part(shown: SyncRuns) -> Current:
    """When runs are due, and those that go on."""
    sync = shown.sync
    facts = [pair.facts for pair in shown.pairs]
    going_on = [pair.running.facts for pair in shown.pairs if pair.running]
    return Current(
        "sync_runs",
        str(sync.pk),
        state=(facts, str(sync.paused_at)),
        details=going_on,
        context={"shown": shown, "sync": sync},
        pending=not sync.is_disabled(),
        soon=shown.is_running,
    )


def collections_part(shown: SyncRuns) -> Current:
    """What is stored of each collection, and the latest runs."""
    rows = [
        (each.collection_id, each.sentence, str(each.completed_at)) for each in shown.collections
    ]
    runs = [(str(run.pk), run.status) for run in shown.latest]
    counts = [(each.rows_read, each.rows_deleted, each.lag_s) for each in shown.collections]
    progress = [(run.rows_read, run.rows_written, run.rows_deleted) for run in shown.latest]
    return Current(
        "sync_collections",
        str(shown.sync.pk),
        state=(rows, runs),
        details=(counts, progress),
        context={"shown": shown, "sync": shown.sync},
        pending=not shown.sync.is_disabled(),
    )
