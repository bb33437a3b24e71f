"""Bar charts of a credential's requests over the last days."""

from dataclasses import dataclass

from django.template.defaultfilters import pluralize

from sequin_admin.core.words import format_recent_time
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import usage

WIDTH, HEIGHT = 640, 120


@dataclass(frozen=True)
class Bar:
    """One bar of a chart in user units of the SVG, and its label."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Chart:
    """A bar chart of requests, with its text for those who don't see it."""

    title: str
    bars: list[Bar]
    points: list[usage.Point]
    summary: str
    is_empty: bool
    width: int = WIDTH
    height: int = HEIGHT


def build_charts(credential: Credential) -> list[Chart]:
    return [
        build_chart("Last 24 hours", usage.history(credential, 24)),
        build_chart("Last 7 days", usage.history(credential, 168, each=4)),
    ]


def build_chart(title: str, points: list[usage.Point]) -> Chart:
    """A bar chart, scaled so that the highest bar has the full height."""
    highest = max([point.granted for point in points] + [1])
    step = WIDTH / len(points)
    bars = []
    for number, point in enumerate(points):
        height = HEIGHT * point.granted / highest
        words = (
            f"{format_recent_time(point.at)}: {point.granted:,} request{pluralize(point.granted)}"
        )
        bars.append(Bar(number * step + 1, HEIGHT - height, step - 2, height, words))
    is_empty = not any(point.granted or point.throttled for point in points)
    return Chart(title, bars, points, summarize(points), is_empty)


def summarize(points: list[usage.Point]) -> str:
    """The chart in a sentence."""
    total, throttled = sum(p.granted for p in points), sum(p.throttled for p in points)
    if not total:
        return "No requests in this time."
    peak = max(points, key=lambda point: point.granted)
    text = (
        f"{total:,} request{pluralize(total)}, most of them ({peak.granted:,}) from "
        f"{format_recent_time(peak.at)} on."
    )
    return f"{text} The provider throttled {throttled:,}." if throttled else text
