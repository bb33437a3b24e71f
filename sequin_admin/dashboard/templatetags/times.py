"""The time of the day, after "since" and "until"."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sequin_admin.core import clock
from sequin_admin.core.words import format_clock_time, format_exact_time

register = template.Library()


@register.filter
def clock_time(at: datetime) -> SafeString:
    """`14:05` today, else `3 Nov, 14:05`, as a <time> with the exact time in its title."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        format_exact_time(at),
        format_clock_time(at, clock.now()),
    )
