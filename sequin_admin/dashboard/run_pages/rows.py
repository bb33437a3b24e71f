"""A run as a row of a list, and the front of its page, as parts that the poll keeps up to date."""

from collections.abc import Iterable, Iterator, Sequence

from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.listing import parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.dashboard.run_pages.progress import ShownRun
from sequin_admin.dashboard.run_pages.sync_runs import SyncRuns
from sequin_admin.syncs.models import CollectionState, Run, RunQuerySet


def find_runs(request: Request) -> RunQuerySet:
    """With all that their page shows."""
    rows = Run.objects.of(request.organization)
    joined = rows.select_related(
        "sync__credential__rate_limit", "consumer", "target", "api_key", "slot__consumer__target"
    )
    return joined.defer(
        "sync__credential__secrets", "target__secrets", "slot__consumer__target__secrets"
    )


@live.register("run_row", "runs/row.html")
def load_rows(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    rows = Run.objects.of(request.organization).filter(pk__in=parse_uuids(keys))
    return map(build_row, for_list(rows))


def for_list(rows: RunQuerySet) -> RunQuerySet:
    """With all that a row of a list shows."""
    return rows.select_related("sync", "consumer").defer("log")


def build_row(run: Run) -> Current:
    shown = ShownRun(run)
    counts = (run.rows_read, run.rows_written, run.rows_deleted, run.lag_s, run.waiting)
    return Current(
        "run_row",
        str(run.pk),
        state=(run.status, shown.sentence),
        details=counts,
        context={"run": run, "shown": shown},
        pending=run.is_running(),
    )


@live.register("run", "runs/front.html")
def load_fronts(request: Request, keys: Sequence[str]) -> Iterable[Current]:
    return map(build_front, find_runs(request).filter(pk__in=parse_uuids(keys[:1])))


def build_front(run: Run) -> Current:
    shown = show_run(run)
    return Current(
        "run",
        str(run.pk),
        state=(run.status, shown.sentence, run.waiting),
        details=(shown.facts, len(run.log)),
        context={"run": run, "shown": shown},
        pending=run.is_running(),
        soon=run.is_running(),
    )


def show_run(run: Run) -> ShownRun:
    """With its forecast while it goes on."""
    if not run.is_running():
        return ShownRun(run)
    rows = CollectionState.objects.filter(slot=run.slot_id) if run.slot_id else ()
    most = SyncRuns(run.sync).most_rows_per_minute
    return ShownRun(run, most, {row.collection_id: row for row in rows})
