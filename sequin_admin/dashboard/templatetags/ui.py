"""Template tags and filters: badges, times, provider tiles, confirmations."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zlib import crc32

from django import template
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sequin_admin.access.models import Logo, Organization
from sequin_admin.audit.models import Event
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.core.words import format_exact_time
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.event_words import describe_details, describe_origin
from sequin_admin.dashboard.live import Current
from sequin_admin.health.status import Status
from sequin_admin.limits import models as limits
from sequin_admin.limits.models import RateLimit, format_interval
from sequin_admin.syncs.models import Target
from sequin_admin.syncs.rules import format_frequency
from sequin_admin.tokens.summary import summarize_token

register = template.Library()


@dataclass(frozen=True)
class StatusStyle:
    """Label, tone and icon of a status. Without an icon, a dotted circle is drawn."""

    words: str
    tone: str
    icon: str


UNKNOWN = StatusStyle("Checking…", "idle", "")
# The classes `tile-0`, `tile-1`, ... of the style sheet.
TILE_COLOURS = 6
STYLES = {
    "disabled": StatusStyle("Disabled", "idle", "pause"),
    "not_running": StatusStyle("Not running yet", "idle", "clock"),
}


@register.filter
def status_style(status: str) -> StatusStyle:
    """The words, tone and icon of a `health_status`, of "disabled", of "not_running" or of "" (not
    probed yet)."""
    if status not in Status.values:
        return STYLES.get(status, UNKNOWN)
    known = Status(status)
    return StatusStyle(known.label, known.tone, known.icon)


@register.filter
@cache
def status_badge(status: str | None) -> SafeString:
    """Icon, words and colour of a status."""
    return render_to_string("components/status.html", {"style": status_style(status or "")})


@register.simple_tag(takes_context=True)
def live_part(context: Context, part: Current) -> SafeString:
    """A part of the page that its poll keeps up to date."""
    return part.render(context["request"])


@register.inclusion_tag("components/badge.html")
def badge(subject: Monitored, note: bool = True) -> dict[str, Any]:
    """The badge of anything with `health_status`; that of what a worker checks is a live part.

    With its sentence on demand, as in a row of a list; `note=False` where that stands on the page
    already, in a part that is kept up to date as a whole.
    """
    is_live = note and isinstance(subject, Credential | Target)
    part = badge_part(subject, note=note)
    return {**part.context, "live": part if is_live else None}


def badge_part(subject: Monitored, *, note: bool = True) -> Current:
    """What a worker checks may change, unless it is disabled."""
    disabled_at = getattr(subject, "disabled_at", None)
    status, since = shown_status(subject), disabled_at or subject.health_since
    sentence = "" if disabled_at else subject.health_note
    return Current(
        subject.entity,
        str(subject.pk),
        state=(status, str(since), sentence),
        context={
            "status": status,
            "since": since,
            "row": subject if note else None,
            "note": sentence,
            "id": f"badge-{subject.pk}",
        },
        pending=not disabled_at,
    )


def shown_status(subject: Monitored) -> str:
    """The status as pages show it: "not_running" for a healthy one that has never run."""
    if getattr(subject, "disabled_at", None):
        return "disabled"
    idle = subject.health_status == Status.HEALTHY and not subject.has_run()
    return "not_running" if idle else str(subject.health_status)


@register.inclusion_tag("components/state.html")
def link_state(link: ConnectLink) -> dict[str, Any]:
    """The state of a connect link, as a badge."""
    return {"state": link.state, "id": f"state-{link.pk}"}


@register.simple_tag
def row_more(pk: object, name: object, text: str = "", label: str = "Why") -> SafeString:
    """What a row of a list says on demand: `text`, and on a phone its other cells.

    No template of its own, as a list has it in every row.
    """
    narrow, said = ("", format_html("<p>{}</p>", text)) if text else (" row-more-narrow", "")
    return format_html(
        '<details class="row-more{}" id="more-{}"><summary>{}<span class="sr-only"> {}</span>'
        "</summary>{}</details>",
        *(narrow, pk, label if text else "More", name, said),
    )


@register.simple_tag
def provider_tile(provider: str, size: str = "") -> SafeString:
    """A two-letter monogram on the provider's colour. Decorative: write the name beside it."""
    letters = monogram(kinds.title_of(provider))
    # A provider that the style sheet does not name has a colour by its name.
    colour = crc32(provider.encode()) % TILE_COLOURS
    large = size and f"monogram-{size}"
    classes = f"monogram tile-{colour} tile-{provider} {large}".strip()
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, letters)


@register.simple_tag
def organization_mark(organization: Organization) -> SafeString:
    """The organization's logo, or its initials. Decorative: write the name beside it."""
    url = logo_url(organization)
    if not url:
        return format_html(
            '<span class="monogram monogram-large tile-organization" aria-hidden="true">{}</span>',
            "".join(word[0] for word in organization.name.split()[:2]).upper(),
        )
    return format_html('<img class="organization-logo" src="{}" alt="">', url)


@register.simple_tag
def organization_icon(organization: Organization | None) -> str:
    """The address of a customer's page's icon: the logo, or none at all."""
    return (organization and logo_url(organization)) or "data:,"


def logo_url(organization: Organization) -> str:
    """It changes with the logo; empty without one."""
    changed = Logo.objects.filter(organization=organization).values_list("changed_at", flat=True)
    at = changed.first()
    return f"{reverse('gateway:logo', args=[organization.pk])}?{at.timestamp():.0f}" if at else ""


@register.filter
def provider_title(provider: str) -> str:
    """The provider's title: hubspot -> HubSpot."""
    return kinds.title_of(provider)


def monogram(title: str) -> str:
    """HubSpot -> HS, Checkout Champ -> CC, Stripe -> St."""
    capitals = re.findall(r"[A-Z]", title)
    return "".join(capitals[:2]) if len(capitals) > 1 else title[:2].capitalize()


@register.filter
def ago(at: datetime | None) -> SafeString:
    """`3 h ago` as a <time>, the exact time in its title. `static/js/times.js` goes on counting."""
    if at is None:
        return SafeString("Never")
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        at.isoformat(timespec="seconds"),
        format_exact_time(at),
        format_distance(at - clock.now()),
    )


def format_distance(gap: timedelta) -> str:
    """The largest unit that fits, in words. A future time is rounded up by up to 2 %.

    So a token issued just now for an hour ends "in 1 h", not "in 59 min".
    """
    seconds = abs(gap.total_seconds()) * (1.02 if gap > timedelta() else 1)
    if seconds < 10:
        return "just now"
    for length, one, many in UNITS:
        if seconds >= length:
            count = int(seconds // length)
            words = f"{count} {one if count == 1 else many}"
            return f"in {words}" if gap > timedelta() else f"{words} ago"
    return "just now"


UNITS = [
    (31_536_000, "year", "years"),
    (2_592_000, "month", "months"),
    (86_400, "day", "days"),
    (3600, "h", "h"),
    (60, "min", "min"),
    (1, "s", "s"),
]


@register.filter
def interval(milliseconds: int) -> str:
    """1000 -> second, 60000 -> minute, 20000 -> 20 s."""
    return format_interval(milliseconds)


@register.filter
def frequency(text: str) -> str:
    """How often a sync reads, in words."""
    return format_frequency(text)


@register.filter
def limit(credential: Credential) -> RateLimit:
    """Its own rate limit, or its kind's default."""
    return limits.get_rate_limit(credential)


@register.filter
def token_words(credential: Credential) -> SafeString:
    """`expires in 40 min`, `key, not renewed`... `select_related("token")` saves a query a row."""
    summary = summarize_token(credential, getattr(credential, "token", None), clock.now())
    tone = "" if summary.at else "muted"
    when = ago(summary.at) if summary.at else ""
    return format_html('<span class="{}">{} {}</span>', tone, summary.words, when)


@register.filter(name="json")
def as_json(value: object) -> str:
    """A stored JSON value as text, escaped like any other."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def exact_time(at: datetime) -> SafeString:
    """A <time> to the second, in the viewer's time zone."""
    exact = at.isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', exact, format_exact_time(at))


@register.filter
def detail_lines(event: Event) -> list[str]:
    """What an audit event changed, a line for each thing, and where from."""
    return [*describe_details(event.details), *describe_origin(event.address, event.user_agent)]


@register.filter
def action_words(action: str) -> str:
    """credential.account_replaced -> Credential: account replaced."""
    subject, _, verb = action.replace("_", " ").partition(".")
    return f"{subject[:1].upper()}{subject[1:]}: {verb}".replace("Oauth", "OAuth").replace(
        "Api", "API"
    )


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(context: Context, key: str, title: str) -> dict[str, Any]:
    """The head of a column whose list is sorted by `sorted_by`, a key of its `Sorting`."""
    chosen = context["sorted_by"]
    query = context["request"].GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{key}" if chosen == key else key
    direction = {key: "ascending", f"-{key}": "descending"}.get(chosen, "")
    arrow = "chevron-up" if direction == "ascending" else "chevron-down"
    return {"title": title, "query": query.urlencode(), "direction": direction, "arrow": arrow}


@register.simple_block_tag(end_name="endempty_state")
def empty_state(content: SafeString, *, title: str, href: str = "", action: str = "") -> SafeString:
    """What a page shows instead of an empty list; the block is its text.

    With `href`, a button named `action` leads there.
    """
    context = {"title": title, "text": content, "href": href, "action": action}
    return render_to_string("components/empty.html", context)
