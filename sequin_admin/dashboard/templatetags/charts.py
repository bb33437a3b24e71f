"""Template tags and filters of charts and usage."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sequin_admin.core.words import format_duration, format_local_time, format_share
from sequin_admin.dashboard.templatetags.monitored import known_words, percent
from sequin_admin.health.outage_history import OutageDay, OutageHistory
from sequin_admin.limits.usage import NEAR_LIMIT_SHARE

register = template.Library()


@register.simple_tag
def share_meter(share: float, granted: int) -> SafeString:
    """`82 %` of a limit with a bar, and the number of calls. No template, as it is in every row."""
    tone = "bad" if share >= 1 else "warn" if share >= NEAR_LIMIT_SHARE else "good"
    calls = f"{granted:,} call" + ("" if granted == 1 else "s")
    return format_html(
        '<span class="meter meter-{}"><svg viewBox="0 0 100 6" preserveAspectRatio="none" '
        'aria-hidden="true"><rect width="100" height="6"/><rect class="meter-part" width="{}" '
        'height="6"/></svg><span>{} <span class="muted">{}</span></span></span>',
        *(tone, f"{100 * min(share, 1):.1f}", format_share(share), calls),
    )


@register.filter
def chart_time(at: datetime) -> str:
    """3 Nov, 14:05 CET: in the viewer's time zone, as on the axis."""
    return format_local_time(at)


@register.simple_tag
def chart_key(kind: str, words: str, number: str) -> SafeString:
    """An entry of a chart's legend, drawn with the patterns of the chart of this number."""
    line = '<line x1="0" x2="18" y1="6" y2="6"/>'
    fill = f'fill="url(#{kind}-{number})"' if kind in ("throttled", "refused") else ""
    shape = line if kind == "limit" else f'<rect width="18" height="12" {fill}/>'
    return format_html(
        '<li><svg class="chart-{}" width="18" height="12" aria-hidden="true">{}</svg> {}</li>',
        *(kind, SafeString(shape), words),
    )


@register.filter
def uptime_words(history: OutageHistory) -> str:
    """`99.9 % of the known time (90 days)`"""
    return f"{percent(history.uptime or 0)} of the known time ({known_words(history.known)})"


@register.inclusion_tag("providers/bars.html")
def outage_bars(history: OutageHistory) -> dict[str, Any]:
    """A bar a day, with its sentence on hover and focus."""
    days = [OutageBar(10 * number, *describe_day(day)) for number, day in enumerate(history.days)]
    troubled = sum(bool(day.down) for day in history.days)
    summary = f"Last 90 days: {uptime_words(history)}, down on {troubled} of the days."
    known = summary if history.known else "Last 90 days: nothing known yet."
    return {"days": days, "summary": known, "first": history.days[0].start}


@dataclass(frozen=True)
class OutageBar:
    """One bar: its place, its tone and its sentence."""

    x: int
    tone: str
    words: str


def describe_day(day: OutageDay) -> tuple[str, str]:
    """Tone and sentence of a day."""
    date = dateformat.format(day.start, "j M")
    if not day.known:
        return "unknown", f"{date}: not known"
    if not day.down:
        return "good", f"{date}: no outage"
    return "bad", f"{date}: down for {format_duration(day.down)}"
