"""The public badge of a sync: an SVG of its status, at a URL with a secret token."""

from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from sequin_admin.health.status import Status
from sequin_admin.syncs.models import Sync

COLOURS = {"good": "#15803d", "warn": "#b45309", "bad": "#b91c1c", "idle": "#475569"}
CHAR_PX, PADDING_PX = 7, 24


@require_GET
@cache_control(public=True, max_age=60)
def sync_badge(request: HttpRequest, token: str) -> HttpResponse:
    """The public badge of a sync as SVG. Raises `Http404` while it is not published."""
    shown = ("health_status", "disabled_at", "first_report_at")
    sync = Sync.objects.filter(badge_token=token).only(*shown).first()
    if sync is None:
        raise Http404(token)
    words, tone = badge_label(sync)
    context = {
        "words": words,
        "colour": COLOURS[tone],
        "width": len(words) * CHAR_PX + PADDING_PX,
    }
    svg = render_to_string("syncs/badge.svg", context)
    return HttpResponse(svg, content_type="image/svg+xml; charset=utf-8")


def badge_label(sync: Sync) -> tuple[str, str]:
    """The label and tone of a status. An unknown status is shown as being checked."""
    if sync.is_disabled():
        return "Disabled", "idle"
    if sync.health_status not in Status.values:
        return "Checking", "idle"
    if sync.health_status == Status.HEALTHY and not sync.has_run():
        return "Not running yet", "idle"
    known = Status(sync.health_status)
    return known.label, known.tone
