"""Template tags and filters of charts and usage."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sequin_admin.core.words import format_share
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
