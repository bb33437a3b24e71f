"""Bar charts of a credential's requests over the last days."""

from datetime import timedelta

from django.template.defaultfilters import pluralize

from sequin_admin.core.words import format_local_time
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.charts import (
    DAYS,
    FARTHEST_LIMIT,
    HOURS,
    TOP,
    Bar,
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
from sequin_admin.limits import usage
from sequin_admin.limits.models import get_rate

LEGEND = {
    "used": "Used",
    "throttled": "Throttled by the provider",
    "refused": "Refused by us",
}


def build_charts(credential: Credential) -> list[Chart]:
    rate = get_rate(credential)
    hours = usage.history(credential, 168)
    week = usage.sum_points(hours, 4)
    return [
        build_chart("Last 24 hours", hours[-24:], rate, timedelta(hours=1), HOURS),
        build_chart("Last 7 days", week, rate, timedelta(hours=4), DAYS),
    ]


def build_chart(
    title: str, points: list[usage.Point], rate: Rate, length: timedelta, label: str
) -> Chart:
    """`length` is that of one bar, `label` how its time is written on the axis."""
    highest = max(point.granted + point.refused for point in points)
    limit = limit_for(rate, length)
    is_above = limit > FARTHEST_LIMIT * max(highest, 1)
    top = round_up(highest if is_above else max(highest, limit))
    step = 100 / len(points)
    hours = length // timedelta(hours=1)
    return Chart(
        title=title,
        unit="Requests per hour" if hours == 1 else f"Requests per {hours} h",
        bars=[build_bar(number * step, step, point, top) for number, point in enumerate(points)],
        columns=("Requests", "Throttled", "Refused"),
        rows=[row_of(point) for point in points],
        ticks=ticks_up_to(top),
        labels=label_times([point.at for point in points], label),
        limit=Mark(TOP if is_above else place(limit, top), f"Limit {limit:,}"),
        limit_is_above=is_above,
        legend=LEGEND,
        zone=zone_of(points[-1].at),
        summary=summarize(points),
        is_empty=not any(point.granted or point.throttled or point.refused for point in points),
    )


def row_of(point: usage.Point) -> ChartRow:
    values = (point.granted, point.throttled, point.refused)
    return ChartRow(point.at, tuple(f"{value:,}" for value in values))


def limit_for(rate: Rate, length: timedelta) -> int:
    """How many requests the limit allows in so long; in one interval, where that is longer."""
    intervals = max(1.0, length.total_seconds() * 1000 / rate.interval)
    return int(rate.allowed_requests * intervals)


def build_bar(x: float, step: float, point: usage.Point, top: int) -> Bar:
    """From below: calls that the provider took, those it throttled, and permits we refused."""
    throttled = min(point.throttled, point.granted) if point.granted else point.throttled
    parts: dict[str, float] = {
        "used": point.granted - throttled if point.granted else 0,
        "throttled": throttled,
        "refused": point.refused,
    }
    return plot(x, step, parts, top, describe_point(point))


def describe_point(point: usage.Point) -> str:
    words = f"{format_local_time(point.at)}: {point.granted:,} request{pluralize(point.granted)}"
    more = {"throttled": point.throttled, "refused": point.refused}
    return ", ".join([words, *(f"{value:,} {name}" for name, value in more.items() if value)])


def summarize(points: list[usage.Point]) -> str:
    """The chart in a sentence."""
    total, throttled = sum(p.granted for p in points), sum(p.throttled for p in points)
    refused = sum(p.refused for p in points)
    if not total and not refused and not throttled:
        return "No requests in this time."
    peak = max(points, key=lambda point: point.granted)
    text = (
        f"{total:,} request{pluralize(total)}, most of them ({peak.granted:,}) from "
        f"{format_local_time(peak.at)} on."
    )
    text = text if total else "No requests."
    text += f" The provider throttled {throttled:,}." if throttled else ""
    return text + (f" We refused {refused:,} at the limit." if refused else "")
