"""Bar charts over time, as SVG of the server: see `components/chart.html`.

Horizontal places are in percent of the chart's width and vertical ones in pixels, so that text and
patterns keep their form at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import dateformat
from django.utils.timezone import localtime

HEIGHT = 160
# Above the bars there is room for the value of the one that is pointed at.
TOP = 26
# A limit that is so many times the highest bar would flatten all bars: it is named above them.
FARTHEST_LIMIT = 4
HOURS, DAYS = "H:i", "j M"
# Up to where labels of the times may stand.
LABELLED_SHARE = 0.8
# How much of a narrow chart's width the text of the limit takes, and its distance from the line.
LIMIT_TEXT_SHARE, TEXT_GAP = 50, 4


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


@dataclass(frozen=True)
class ChartRow:
    """A row of the chart as a table."""

    at: datetime
    values: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """A bar chart, with its text for those who don't see it. `columns` are the titles of the
    values of `rows`, `legend` has the kinds of segments with their words. `limit_is_above` when
    the line of the limit is drawn above all bars."""

    title: str
    unit: str
    bars: list[Bar]
    columns: tuple[str, ...]
    rows: list[ChartRow]
    ticks: list[Mark]
    labels: list[Mark]
    zone: str
    summary: str
    is_empty: bool
    limit: Mark | None = None
    limit_is_above: bool = False
    legend: dict[str, str] = field(default_factory=dict)

    @property
    def limit_text_at(self) -> float:
        """Where the limit's text stands, at the right end: on its line, or above all bars where
        one of those below it reaches that high."""
        line = self.limit.at if self.limit else TOP
        below = [bar for bar in self.bars if bar.x + bar.width > 100 - LIMIT_TEXT_SHARE]
        highest = min((part.y for bar in below for part in bar.segments), default=HEIGHT)
        return (line if highest >= line else TOP) - TEXT_GAP

    @property
    def table(self) -> list[tuple[datetime, list[tuple[str, str]]]]:
        """The rows, each value with the title of its column."""
        return [(row.at, list(zip(self.columns, row.values, strict=True))) for row in self.rows]


def place(value: float, top: int) -> float:
    return HEIGHT - (HEIGHT - TOP) * value / top


def round_up(highest: float) -> int:
    """The next of 2, 4, 10, 20, 40, 100 ...: its half is a round number, too."""
    power = 1
    while power * 10 < highest:
        power *= 10
    return next(top for top in (2 * power, 4 * power, 10 * power) if top >= highest)


def ticks_up_to(top: int) -> list[Mark]:
    return [Mark(place(value, top), f"{value:,}") for value in (0, top // 2, top)]


def plot(x: float, step: float, parts: dict[str, float], top: int, words: str) -> Bar:
    """A bar of the parts, from below."""
    segments, below = [], 0.0
    for kind, value in parts.items():
        if value:
            y = max(place(below + value, top), TOP)
            segments.append(Segment(kind, y, place(below, top) - y))
            below += value
    return Bar(x + step * 0.1, step * 0.8, segments, words)


def label_times(moments: Sequence[datetime], label: str) -> list[Mark]:
    """Where a quarter of a day, or every second day, begins in the viewer's time zone."""
    times = [localtime(at) for at in moments]
    # The zone stands at the end.
    last = LABELLED_SHARE * len(times)
    parts = [
        (time.toordinal() // 2) if label == DAYS else (time.day, time.hour // 6) for time in times
    ]
    starts = [n for n in range(1, len(parts)) if parts[n] != parts[n - 1] and n < last]
    return [Mark(100 * n / len(parts), dateformat.format(times[n], label)) for n in starts]


def zone_of(at: datetime) -> str:
    return localtime(at).tzname() or ""
