"""Labels and links for monitored objects: page, history, incidents."""

from datetime import datetime, timedelta
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sequin_admin.core.monitored import Monitored
from sequin_admin.core.words import format_recent_time
from sequin_admin.dashboard.templatetags.ui import status_style
from sequin_admin.health.history import History
from sequin_admin.health.outages import PROVIDER
from sequin_admin.health.timeline import Slot

register = template.Library()

TITLES = {"oauth_app": "OAuth app ", "sync": "Sync ", "consumer": "Consumer ", "target": "Target "}


@register.simple_tag
def entity_link(entity: str, pk: UUID, name: object, provider: str = "") -> SafeString:
    """A link to the object's page. `name` may be the last name of a deleted object."""
    if entity == PROVIDER:
        url = f"{reverse('dashboard:credentials')}?provider={provider}"
        return format_html('<a href="{}">{}</a>', url, name)
    url = reverse(f"dashboard:{entity}", args=[pk])
    return format_html('<a href="{}">{}{}</a>', url, TITLES.get(entity, ""), name)


@register.filter
def health_url(subject: Monitored) -> str:
    return reverse("dashboard:health", args=[subject.entity, subject.pk])


@register.filter
def percent(share: float) -> str:
    """0.99951 -> 99.95 %. Rounded down: 100 % means healthy all the time."""
    return f"{int(share * 10_000) / 100:g} %"


@register.filter
def known_words(length: timedelta) -> str:
    """`90 days`, `5 h`, `12 min`: how much time a figure is about. Rounded down."""
    minutes = int(length.total_seconds() // 60)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} days"
    return f"{minutes // 60} h" if minutes >= 2 * 60 else f"{minutes} min"


@register.filter
def moment(at: datetime) -> str:
    return format_recent_time(at)


@register.filter
def history_summary(history: History) -> str:
    """The history bar as a sentence, for screen readers."""
    if history.uptime is None:
        return f"{history.period.title}: nothing known yet."
    troubled = sum(slot.status not in ("", "healthy") for slot in history.slots)
    return (
        f"{history.period.title}: healthy {percent(history.uptime)} of the known time "
        f"({known_words(history.known)}), trouble in "
        f"{troubled} of {history.period.slots} parts."
    )


@register.filter
def slot_words(slot: Slot) -> str:
    """`3 Nov, 00:00 UTC: We must act for 12 min`"""
    if not slot.status:
        return f"{moment(slot.start)}: not known"
    if slot.status == "healthy":
        return f"{moment(slot.start)}: Healthy"
    minutes = max(1, round(slot.seconds[slot.status] / 60))
    return f"{moment(slot.start)}: {status_style(slot.status).words} for {minutes:,} min"


@register.filter
def affected_words(entity: str, count: int) -> str:
    """What waits for the fix, without the number: `credentials are waiting`."""
    noun = "credential" if entity == "oauth_app" else "sync"
    return f"{noun} is waiting" if count == 1 else f"{noun}s are waiting"
