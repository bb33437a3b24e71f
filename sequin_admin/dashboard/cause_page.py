"""What the page of a cause shows: how it grows, who is affected, and its timeline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncHour

from sequin_admin.audit.models import Event
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.core.words import format_recent_time
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.cause_lines import CauseLine, build_lines
from sequin_admin.dashboard.listing import MAX_ROWS, Pages, get_query_param
from sequin_admin.dashboard.templatetags.ui import action_words
from sequin_admin.health import alerts, cause_words
from sequin_admin.health.models import Cause, Check, Incident
from sequin_admin.notifications.models import Delivery

ROWS = 25
HOURS, EVENTS, SIMILAR = 24, 50, 5
RECENT = timedelta(hours=1)


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: datetime
    text: str
    note: str = ""


def build_page(request: Request, cause: Cause) -> dict[str, Any]:
    now, [line] = clock.now(), build_lines([cause])
    url = alerts.cause_url(cause.pk)
    affected = find_affected(request, cause)
    return {
        "cause": cause,
        "line": line,
        "trend": describe_trend(cause, now),
        "whose": cause_words.whose_move(cause),
        "url": url,
        "markdown": cause_words.markdown(cause, url, at=now),
        **affected,
        "timeline": list_moments(cause),
        "deliveries": list_deliveries(cause),
        "links": count_links(cause),
        "similar": list_similar(cause),
    }


def find_affected(request: Request, cause: Cause) -> dict[str, Any]:
    """The page of incidents, open ones first asked for; each with when it was last checked."""
    shown, search = get_query_param(request, "show"), get_query_param(request, "q")
    rows = Incident.objects.filter(cause=cause).order_by("-opened_at", "-id").matching(search)
    if cause.is_open and shown != "all":
        rows = rows.filter(resolved_at=None)
    pages = Pages(rows, ROWS)
    if not search:
        # The cause counts them itself.
        known = cause.total_incidents if shown == "all" else cause.open_incidents
        pages.count = min(known if cause.is_open else cause.total_incidents, MAX_ROWS)
    page = pages.get_page(request.GET.get("page"))
    listed = list(page.object_list)
    checks = Check.objects.filter(entity_id__in=[row.entity_id for row in listed])
    last = dict[UUID, datetime]()
    for pk, at in checks.order_by("last_seen_at").values_list("entity_id", "last_seen_at"):
        last[pk] = at
    return {
        "page": page,
        "rows": [(row, last.get(row.entity_id)) for row in listed],
        "show": shown,
        "search": search,
    }


def describe_trend(cause: Cause, now: datetime) -> str:
    """Whether it grows or shrinks, by the last hour."""
    if not cause.is_open:
        return f"Over. {cause.total_incidents:,} in all."
    since = now - RECENT
    began, over = cause.incidents.aggregate(
        began=Count("pk", filter=Q(opened_at__gt=since)),
        over=Count("pk", filter=Q(resolved_at__gt=since)),
    ).values()
    words = "Growing" if began > over else "Shrinking" if over > began else "Steady"
    return f"{words}: in the last hour {began:,} began and {over:,} ended."


def list_moments(cause: Cause) -> list[Moment]:
    """Checks that failed and passed by the hour, what people did, and their notes; newest first."""
    moments = [
        *count_by_hour(cause, "opened_at", "failed its check", "failed their checks"),
        *(
            count_by_hour(cause, "resolved_at", "is over", "are over")
            if cause.open_incidents < cause.total_incidents
            else ()
        ),
        *(Moment(note.at, f"{note.author} wrote", note.text) for note in cause.notes.all()),
    ]
    if cause.resolved_at:
        moments.append(Moment(cause.resolved_at, "The last of it was over"))
    events = Event.objects.of(cause.organization_id).about(cause).exclude(action="cause.noted")
    moments += [
        Moment(event.at, f"{action_words(event.action)} by {event.actor}")
        for event in events[:EVENTS]
    ]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def count_by_hour(cause: Cause, column: str, one: str, many: str) -> list[Moment]:
    rows = cause.incidents.exclude(**{column: None}).order_by()
    hours = rows.annotate(hour=TruncHour(column)).values_list("hour")
    counted = hours.annotate(count=Count("pk"), last=Max(column)).order_by("-hour")[:HOURS]
    return [
        Moment(
            last,
            f"{cause_words.count_words(count, cause_words.NOUNS.get(cause.entity, 'object'))} "
            f"{one if count == 1 else many} in the hour from {format_recent_time(hour)}",
        )
        for hour, count, last in counted
    ]


def list_deliveries(cause: Cause) -> QuerySet[Delivery]:
    """Who was told of it, and when."""
    rows = Delivery.objects.filter(organization=cause.organization_id, pk__in=cause.deliveries)
    return rows.select_related("channel").defer("secrets", "channel__secrets").order_by("-id")


def count_links(cause: Cause) -> dict[str, int]:
    """The reconnect links that were made since it began, and what came of them."""
    if cause.entity != "credential" or not cause.status:
        return {}
    ids = Incident.objects.filter(cause=cause).order_by().values("entity_id")
    rows = ConnectLink.objects.filter(
        organization=cause.organization_id, reconnects__in=ids, created_at__gte=cause.opened_at
    )
    return rows.aggregate(
        made=Count("pk"),
        mailed=Count("pk", filter=Q(created_by=None)),
        completed=Count("pk", filter=Q(completed_at__isnull=False)),
    )


def list_similar(cause: Cause) -> list[CauseLine]:
    rows = Cause.objects.filter(
        organization=cause.organization_id,
        provider=cause.provider,
        code=cause.code,
        status=cause.status,
    )
    before = rows.exclude(pk=cause.pk).order_by("-opened_at", "-id")[:SIMILAR]
    return [CauseLine(each) for each in before]
