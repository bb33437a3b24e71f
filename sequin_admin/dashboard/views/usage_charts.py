"""Bar charts of a credential's requests over the last days, as SVG of the server.

Horizontal places are in percent of the chart's width and vertical ones in pixels, so that text and
patterns keep their form at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.template.defaultfilters import pluralize
from django.utils import dateformat
from django.utils.timezone import localtime

from sequin_admin.core.words import format_local_time
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import usage
from sequin_admin.limits.models import get_rate

HEIGHT = 160
# Above the bars there is room for the value of the one that is pointed at.
TOP = 26
# A limit that is so many times the highest bar would flatten all bars: it is named above them.
FARTHEST_LIMIT = 4
HOURS, DAYS = "H:i", "j M"


@dataclass(frozen=True)
class Segment:
    """A part of a bar: `kind` is used, throttled or refused."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One bar of a chart, and its value in words."""

    x: float
    width: float
    segments: list[Segment]
    words: str


@dataclass(frozen=True)
class Mark:
    """A tick of an axis: its place in percent or pixels, and its text."""

    at: float
    text: str

    @property
    def text_at(self) -> float:
        """Where the text of a line stands: above it, or below near the upper edge."""
        return self.at - 4 if self.at > 2 * TOP else self.at + 12


@dataclass(frozen=True)
class Chart:
    """A bar chart of requests, with its text for those who don't see it. `limit` is None for an
    empty chart; `limit_is_above` when its line is drawn above all bars."""

    title: str
    unit: str
    bars: list[Bar]
    points: list[usage.Point]
    ticks: list[Mark]
    labels: list[Mark]
    limit: Mark | None
    limit_is_above: bool
    zone: str
    summary: str
    is_empty: bool


def build_charts(credential: Credential) -> list[Chart]:
    rate = get_rate(credential)
    day, week = usage.history(credential, 24), usage.history(credential, 168, each=4)
    return [
        build_chart("Last 24 hours", day, rate, timedelta(hours=1), HOURS),
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
        points=points,
        ticks=[Mark(place(value, top), f"{value:,}") for value in (0, top // 2, top)],
        labels=label_times(points, label),
        limit=Mark(TOP if is_above else place(limit, top), f"Limit {limit:,}"),
        limit_is_above=is_above,
        zone=localtime(points[-1].at).tzname() or "",
        summary=summarize(points),
        is_empty=not any(point.granted or point.throttled or point.refused for point in points),
    )


def limit_for(rate: Rate, length: timedelta) -> int:
    """How many requests the limit allows in so long; in one interval, where that is longer."""
    intervals = max(1.0, length.total_seconds() * 1000 / rate.interval)
    return int(rate.allowed_requests * intervals)


def place(value: float, top: int) -> float:
    return HEIGHT - (HEIGHT - TOP) * value / top


def round_up(highest: int) -> int:
    """The next of 2, 4, 10, 20, 40, 100 ...: its half is a round number, too."""
    power = 1
    while power * 10 < highest:
        power *= 10
    return next(top for top in (2 * power, 4 * power, 10 * power) if top >= highest)


def build_bar(x: float, step: float, point: usage.Point, top: int) -> Bar:
    """From below: calls that the provider took, those it throttled, and permits we refused."""
    throttled = min(point.throttled, point.granted) if point.granted else point.throttled
    parts = {
        "used": point.granted - throttled if point.granted else 0,
        "throttled": throttled,
        "refused": point.refused,
    }
    segments, below = [], 0
    for kind, value in parts.items():
        if value:
            y = max(place(below + value, top), TOP)
            segments.append(Segment(kind, y, place(below, top) - y))
            below += value
    return Bar(x + step * 0.1, step * 0.8, segments, describe_point(point))


def describe_point(point: usage.Point) -> str:
    words = f"{format_local_time(point.at)}: {point.granted:,} request{pluralize(point.granted)}"
    more = {"throttled": point.throttled, "refused": point.refused}
    return ", ".join([words, *(f"{value:,} {name}" for name, value in more.items() if value)])


def label_times(points: Sequence[usage.Point], label: str) -> list[Mark]:
    """Where a quarter of a day, or every second day, begins in the viewer's time zone."""
    times = [localtime(point.at) for point in points]
    parts = [
        (time.toordinal() // 2) if label == DAYS else (time.day, time.hour // 6) for time in times
    ]
    starts = [n for n in range(1, len(parts)) if parts[n] != parts[n - 1]]
    return [Mark(100 * n / len(points), dateformat.format(times[n], label)) for n in starts]


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
