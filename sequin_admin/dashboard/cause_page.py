"""What the page of a cause shows: how it grows, and who is affected."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.dashboard import live
from sequin_admin.dashboard.access import Request
from sequin_admin.dashboard.cause_lines import CauseLine, build_lines
from sequin_admin.dashboard.cause_timeline import build_timeline
from sequin_admin.dashboard.listing import MAX_ROWS, Pages, get_query_param, parse_uuids
from sequin_admin.dashboard.live import Current
from sequin_admin.health import alerts, cause_words
from sequin_admin.health.fleet import kept_if_many
from sequin_admin.health.models import Cause, CauseQuerySet, Check, Incident
from sequin_admin.notifications.models import Delivery

ROWS = 25
SIMILAR = 5
RECENT = timedelta(minutes=10)


def find_causes(request: Request) -> CauseQuerySet:
    rows = Cause.objects.of(request.organization)
    return rows.select_related("owner", "organization")


@live.register("cause", "causes/front.html")
def load_fronts(request: Request, keys: Sequence[str]) -> Iterator[Current]:
    return map(build_front, find_causes(request).filter(pk__in=parse_uuids(keys[:1])))


def build_front(cause: Cause) -> Current:
    now, url, [line] = clock.now(), alerts.cause_url(cause.pk), build_lines([cause])
    context = {
        "cause": cause,
        "line": line,
        "trend": describe_trend(cause, now),
        "url": url,
        "markdown": cause_words.markdown(cause, url, at=now),
    }
    details = (*line.details, cause.open_incidents, cause.total_incidents, context["trend"])
    return Current("cause", str(cause.pk), line.state, details, context, pending=cause.is_open)


def build_page(request: Request, cause: Cause) -> dict[str, Any]:
    front = build_front(cause)
    return {
        **front.context,
        "front": front,
        **find_affected(request, cause),
        "timeline": build_timeline(cause),
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
    """Whether it grows or shrinks now: what was an hour ago says little of a mass failure."""
    if not cause.is_open:
        return f"Over. {cause.total_incidents:,} in all."
    began, over = count_recent(cause, now - RECENT)
    words = "Growing" if began > over else "Shrinking" if over > began else "Steady"
    return f"{words}: in the last 10 min {began:,} began and {over:,} ended."


def count_recent(cause: Cause, since: datetime) -> tuple[int, int]:
    """How many of its incidents began, and how many ended, since then. The cause itself says so
    while nothing ended, if all or nothing of it began lately: as when it is looked at most."""
    ended = cause.total_incidents - cause.open_incidents
    if not ended and (cause.opened_at > since or cause.latest_at <= since):
        return (cause.total_incidents if cause.opened_at > since else 0), 0
    recent = (
        Count("pk", filter=Q(opened_at__gt=since)),
        Count("pk", filter=Q(resolved_at__gt=since)),
    )
    began, over = cause.incidents.aggregate(began=recent[0], over=recent[1]).values()
    return began, over


def list_deliveries(cause: Cause) -> QuerySet[Delivery]:
    """Who was told of it, and when."""
    rows = Delivery.objects.filter(organization=cause.organization_id, pk__in=cause.deliveries)
    return rows.select_related("channel").defer("secrets", "channel__secrets").order_by("-id")


def count_links(cause: Cause) -> dict[str, int]:
    """The reconnect links that were made since it began, and what came of them; cached as
    `kept_if_many()` does."""
    if cause.entity != "credential" or not cause.status:
        return {}

    def count() -> dict[str, int]:
        return count_links_now(cause)

    # To find none takes as long.
    size = cause.total_incidents
    return kept_if_many(f"cause:{cause.pk}", count, lambda counts: max(size, counts["made"]))


def count_links_now(cause: Cause) -> dict[str, int]:
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
