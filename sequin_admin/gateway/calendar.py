"""The calendar of what will end, at an address with a secret token."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from hashlib import sha256
from math import ceil
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from django.views.decorators.http import require_GET

from sequin_admin.access import calendar_feeds
from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.gateway.icalendar import CalendarEvent, write_calendar
from sequin_admin.health import expiry, provider_changes
from sequin_admin.health.expiry import AHEAD, Expiring, ExpiringRow, ExpiryFilter

# Rows that are read; of more than `ONE_BY_ONE` of one sort on one day only the number is told.
MOST, ONE_BY_ONE = 2000, 5


@require_GET
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """What ends in the next 180 days, for a calendar program. Raises `Http404` for a token that is
    unknown, revoked, or of somebody who is no member any more."""
    feed = calendar_feeds.find_feed(token)
    if feed is None:
        raise Http404("There is no such calendar.")
    if wait_s := calendar_feeds.count_read(feed):
        return HttpResponse(
            "Too many requests. Calendars change slowly: ask once an hour.",
            status=429,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(ceil(wait_s))},
        )
    organization = feed.membership.organization
    body = build_calendar(organization, clock.now()).encode()
    headers = {"ETag": f'"{sha256(body).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
    if is_known(request, headers["ETag"]):
        return HttpResponseNotModified(headers=headers)
    headers["Content-Disposition"] = 'inline; filename="expiry.ics"'
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


def is_known(request: HttpRequest, etag: str) -> bool:
    """Whether the client has this version (RFC 9110 section 13.1.2, weak comparison)."""
    sent = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in sent or etag in {each.removeprefix("W/") for each in sent}


def build_calendar(organization: Organization, now: datetime) -> str:
    """The same text all day, as long as nothing changes."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    wanted = ExpiryFilter(until=now + AHEAD)
    found = expiry.rows_ending(organization, wanted, most=MOST)[:MOST]
    rows = [expiry.parse_row(row) for row in found]
    events = [*ending_events(organization, rows), *change_events(organization, now)]
    return write_calendar(f"{organization}: expiry", events, today)


def ending_events(organization: Organization, rows: list[ExpiringRow]) -> Iterator[CalendarEvent]:
    """One event each; for many of one sort, provider and day one for all of them."""
    groups = defaultdict[tuple[Expiring, str, date], list[ExpiringRow]](list)
    for row in rows:
        groups[row.what, row.provider, row.ends_at.astimezone(UTC).date()].append(row)
    for (what, provider, day), group in groups.items():
        if len(group) <= ONE_BY_ONE:
            yield from map(ending_event, group)
            continue
        of = f" ({group[0].provider_title})" if provider else ""
        yield CalendarEvent(
            uid_of(f"{what}-{provider or 'any'}-{day}-{organization.pk}"),
            day,
            f"{len(group):,} end: {what.label}{of}",
            what.to_do,
            f"{settings.PUBLIC_URL}/expiry/?what={what}",
        )
    if len(rows) == MOST:
        last = rows[-1].ends_at.astimezone(UTC).date()
        yield CalendarEvent(
            uid_of(f"more-{organization.pk}"),
            last,
            "More ends than a calendar holds",
            f"From {last} on the page Expiry has the rest.",
            f"{settings.PUBLIC_URL}/expiry/",
        )


def ending_event(row: ExpiringRow) -> CalendarEvent:
    """An invitation without the address it was sent to: calendars are kept elsewhere."""
    named = "" if row.what is Expiring.INVITATION else f": {row.name}"
    of = f" ({row.provider_title})" if row.provider else ""
    return CalendarEvent(
        uid_of(f"{row.what}-{row.id}"),
        row.ends_at,
        f"{row.what.label} ends{named}{of}",
        row.to_do,
        f"{settings.PUBLIC_URL}/expiry/?what={row.what}",
    )


def change_events(organization: Organization, now: datetime) -> Iterator[CalendarEvent]:
    """The dated changes ahead that touch the organization."""
    for touched in provider_changes.count_touched(organization):
        change, days = touched.change, touched.days_left
        if touched.touches and change.on and days is not None and 0 <= days <= AHEAD.days:
            yield CalendarEvent(
                uid_of(f"change-{change.slug}-{organization.pk}"),
                change.on,
                change.title,
                f"{change.what} It touches {touched.reach} here. {change.to_do}\n"
                f"Source: {change.source} ({change.certainty})",
                f"{settings.PUBLIC_URL}/expiry/",
            )


def uid_of(name: str) -> str:
    """Unique everywhere, and the same each time (section 3.8.4.7)."""
    return f"{name}@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}"
