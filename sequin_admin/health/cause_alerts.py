"""Messages about causes: one when it opens, at most one when it has grown, and one when it is over.

The first waits for `SETTLE`, so that it says how many there are: a fault shows within seconds of
each other. What ends before that is told to nobody. A muted cause is told of when it is muted no
longer, if it is still open.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from sequin_admin.core import clock
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.core.words import format_duration, format_time
from sequin_admin.health import cause_words
from sequin_admin.health.alerts import HOURS, cause_url, severity_of
from sequin_admin.health.cause_models import Cause, CauseQuerySet
from sequin_admin.health.models import REOPEN_WITHIN, Incident
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Message

Messages = Sequence[tuple[Cause, Message]]
Builder = Callable[[Sequence[Cause]], Messages]
SETTLE = timedelta(seconds=30)
# It has grown when it is so many times as large as it was when it was told.
GROWTH = 10


def notify_due() -> int:
    """Post all messages about causes that are due. Returns how many causes were told of."""
    count = 0
    for due, build, column in STEPS:
        while told := notify_next(due(clock.now()), build, column):
            count += told
    return count


@transaction.atomic
def notify_next(due: CauseQuerySet, build: Builder, column: str) -> int:
    """Post the next of the messages, in one transaction, and remember what was posted."""
    rows = due.order_by("pk").select_related("organization", "owner")
    causes = list(rows.select_for_update(skip_locked=True, of=("self",))[:CHUNK_SIZE])
    if not causes:
        return 0
    for cause in causes:
        setattr(cause, column, clock.now())
        if column == "told_at":
            cause.told_incidents = cause.open_incidents
    messages = [(cause.organization, message) for cause, message in build(causes)]
    posted = defaultdict[str, list[int]](list)
    for row in outbox.post_all(messages):
        posted[row.notice["key"]].append(row.pk)
    for cause in causes:
        cause.deliveries = [*cause.deliveries, *posted[key_of_messages(cause)]]
    Cause.objects.bulk_update(causes, [column, "told_incidents", "deliveries"])
    return len(causes)


def key_of_messages(cause: Cause) -> str:
    return f"cause:{cause.pk}"


def opening_messages(causes: Sequence[Cause]) -> Messages:
    return [(cause, opening_message(cause)) for cause in causes]


def growth_messages(causes: Sequence[Cause]) -> Messages:
    return [(cause, growth_message(cause)) for cause in causes]


def resolution_messages(causes: Sequence[Cause]) -> Messages:
    how = resolution_texts(causes)
    return [(cause, resolution_message(cause, how[cause.pk])) for cause in causes]


def opening_message(cause: Cause) -> Message:
    title = f"{cause_words.headline(cause)}: {cause_words.whose_move(cause)}"
    return build_message(cause, "cause.opened", title=title, text=cause_words.story(cause))


def growth_message(cause: Cause) -> Message:
    title = f"{cause_words.headline(cause)} now: {cause_words.whose_move(cause)}"
    text = f"They were {cause.told_incidents:,} when we told you. {cause_words.story(cause)}"
    return build_message(cause, "cause.grew", title=title, text=text)


def resolution_message(cause: Cause, how: str) -> Message:
    over_at = cause.resolved_at or clock.now()
    lasted = format_duration(over_at - cause.opened_at, HOURS)
    over = f"{how} It was over on {format_time(over_at)}, after {lasted}."
    text = f"{over} {cause_words.origin(cause)}"
    title = f"{cause_words.headline(cause)}: resolved"
    return build_message(cause, "cause.resolved", title=title, text=text)


def resolution_texts(causes: Sequence[Cause]) -> dict[UUID, str]:
    """How the incidents of each ended: the sentence of all, or how many ended so."""
    rows = Incident.objects.filter(cause__in=causes).exclude(resolved_at=None).order_by()
    counts = rows.values_list("cause", "resolution").annotate(count=Count("pk"))
    found = defaultdict[UUID, list[tuple[int, str]]](list)
    for cause, sentence, count in counts:
        found[cause].append((count, sentence))
    return {cause.pk: resolution_text(found[cause.pk]) for cause in causes}


def resolution_text(counts: Sequence[tuple[int, str]]) -> str:
    if len(counts) == 1:
        return counts[0][1]
    ordered = sorted(counts, reverse=True)
    return " ".join(f"{sentence.rstrip('.')} ({count:,} of them)." for count, sentence in ordered)


def build_message(cause: Cause, type_: str, *, title: str, text: str) -> Message:
    return Message(
        type=type_,
        key=key_of_messages(cause),
        severity=severity_of(cause.status),
        title=title,
        text=text,
        action_url=cause_url(cause.pk),
        action_label="See what to do" if cause.is_open else "See what happened",
        data=cause_json(cause),
    )


def cause_json(cause: Cause) -> dict[str, Any]:
    """`data` of the message. It holds no secrets."""
    return {
        "cause_id": str(cause.pk),
        "provider": cause.provider,
        "code": cause.code,
        "status": cause.status or None,
        "entity": cause.entity,
        "open_incidents": cause.open_incidents,
        "total_incidents": cause.total_incidents,
        "affected": cause.affected,
        "opened_at": cause.opened_at.isoformat(),
        "resolved_at": cause.resolved_at and cause.resolved_at.isoformat(),
    }


def opening_due(at: datetime) -> CauseQuerySet:
    return Cause.objects.opening_due(at, SETTLE)


def growth_due(at: datetime) -> CauseQuerySet:
    return Cause.objects.growth_due(at, GROWTH)


def resolution_due(at: datetime) -> CauseQuerySet:
    return Cause.objects.resolution_due(at, REOPEN_WITHIN)


STEPS = (
    (opening_due, opening_messages, "told_at"),
    (growth_due, growth_messages, "grown_told_at"),
    (resolution_due, resolution_messages, "over_told_at"),
)
