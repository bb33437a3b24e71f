"""Template tags and filters of runs."""

from datetime import datetime
from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from sequin_admin.dashboard.run_pages import charts
from sequin_admin.dashboard.run_pages.progress import ShownRun
from sequin_admin.dashboard.run_pages.rows import build_row
from sequin_admin.syncs.models import Run, RunStatus

register = template.Library()


@register.simple_tag(takes_context=True)
def run_row(context: Context, run: Run) -> SafeString:
    """A row of a list, kept up to date."""
    return build_row(run).render(context["request"])


@register.simple_tag
def shown_run(run: Run) -> ShownRun:
    return ShownRun(run)


@register.inclusion_tag("components/state.html")
def run_state(run: Run) -> dict[str, Any]:
    """The status of a run, as a badge."""
    return {"state": RunStatus(run.status), "id": f"state-{run.pk}"}


@register.simple_tag
def row_counts(run: Run) -> SafeString:
    """`1,200 read · 1,200 written · 3 deleted`, without those that are none."""
    counts = {"written": run.rows_written, "deleted": run.rows_deleted}
    more = "".join(f" · {count:,} {what}" for what, count in counts.items() if count)
    return format_html('{} read<span class="muted">{}</span>', f"{run.rows_read:,}", more)


@register.simple_tag
def behind(lag_s: float | None) -> SafeString:
    """How far behind its source: `4 min 10 s`."""
    if lag_s is None:
        return SafeString('<span class="muted">not told</span>')
    return format_html('<span class="nowrap">{}</span>', charts.behind(lag_s))


@register.filter
def log_time(at: str) -> str:
    """The time of a line of a log, in the viewer's zone."""
    return f"{localtime(datetime.fromisoformat(at)):%H:%M:%S}"
