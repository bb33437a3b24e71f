"""Charts of a sync's last day: rows a minute beside what its limit lets through, and its lag."""

from datetime import timedelta

from sequin_admin.core.words import format_duration, format_local_time
from sequin_admin.dashboard.charts import (
    FARTHEST_LIMIT,
    HOURS,
    TOP,
    Chart,
    ChartRow,
    Mark,
    label_times,
    place,
    plot,
    round_up,
    ticks_up_to,
    zone_of,
)
from sequin_admin.syncs.models import Sync
from sequin_admin.syncs.runs import run_samples
from sequin_admin.syncs.runs.run_samples import RunPoint

BARS, LENGTH = 48, timedelta(minutes=30)
MINUTES = LENGTH // timedelta(minutes=1)
UNITS = (("Days", 86_400), ("Hours", 3600), ("Minutes", 60), ("Seconds", 1))


def build_charts(sync: Sync, most: int | None) -> list[Chart]:
    points = run_samples.history(sync, BARS, LENGTH)
    return [chart_of_rows(points, most), chart_of_lag(points)]


def chart_of_rows(points: list[RunPoint], most: int | None) -> Chart:
    values = [point.rows_read / MINUTES for point in points]
    highest, total = max(values), sum(point.rows_read for point in points)
    is_above = most is not None and most > FARTHEST_LIMIT * max(highest, 1)
    top = round_up(highest if is_above or most is None else max(highest, most))
    words = [f"{round(value):,} rows a minute" for value in values]
    limit = None
    if most is not None:
        limit = Mark(TOP if is_above else place(most, top), f"Limit, about {most:,}")
    return build_chart(
        "Rows read",
        "Rows per minute, last 24 hours",
        points,
        values,
        words,
        top,
        summary=f"{total:,} rows were read."
        if total
        else "No rows were read in the last 24 hours.",
        is_empty=not total,
        limit=limit,
        limit_is_above=is_above,
        column="Rows a minute",
    )


def chart_of_lag(points: list[RunPoint]) -> Chart:
    known = [point.lag_s for point in points if point.lag_s is not None]
    worst, last = max(known, default=0), known[-1] if known else 0
    unit, seconds = next(unit for unit in UNITS if worst >= 2 * unit[1] or unit[1] == 1)
    values = [(point.lag_s or 0) / seconds for point in points]
    words = [lag_words(point) for point in points]
    summary = f"{behind(last)} at last; at most {behind(worst)}." if known else ""
    return build_chart(
        "Behind the source",
        f"{unit} behind, last 24 hours",
        points,
        values,
        words,
        round_up(max(values)),
        summary=summary or "No run told how far behind it was in the last 24 hours.",
        is_empty=not known,
        column="Behind",
    )


def lag_words(point: RunPoint) -> str:
    return "not told" if point.lag_s is None else f"{behind(point.lag_s)} behind"


def behind(lag_s: float) -> str:
    return format_duration(timedelta(seconds=lag_s)) if lag_s >= 1 else "less than 1 s"


def build_chart(
    title: str,
    unit: str,
    points: list[RunPoint],
    values: list[float],
    words: list[str],
    top: int,
    *,
    summary: str,
    is_empty: bool,
    column: str,
    limit: Mark | None = None,
    limit_is_above: bool = False,
) -> Chart:
    step = 100 / len(points)
    rows = [ChartRow(point.at, (text,)) for point, text in zip(points, words, strict=True)]
    told = [f"{format_local_time(row.at)}: {', '.join(row.values)}" for row in rows]
    return Chart(
        title=title,
        unit=unit,
        bars=[
            plot(number * step, step, {"used": value}, top, told[number])
            for number, value in enumerate(values)
        ],
        columns=(column,),
        rows=rows,
        ticks=ticks_up_to(top),
        labels=label_times([point.at for point in points], HOURS),
        limit=limit,
        limit_is_above=limit_is_above,
        zone=zone_of(points[-1].at),
        summary=summary,
        is_empty=is_empty,
    )
