"""The timeline of a cause: each check that failed or passed, and each act, at its exact time.

Checks between two acts are folded into one line where they are many.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Q

from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.core.words import count_words
from sequin_admin.dashboard.templatetags.ui import action_words
from sequin_admin.health.cause_words import NOUNS
from sequin_admin.health.models import Cause, Incident

# Of the checks that failed, and of those that passed, so many stand there each, and so many acts.
SHOWN, ACTS = 30, 50
# So many in a row are not folded.
ALONE = 3
FAILED, PASSED = "opened_at", "resolved_at"
WORDS = {FAILED: ("failed its check", "failed their checks"), PASSED: ("is over", "are over")}


@dataclass(frozen=True)
class Moment:
    """An act, or with an `incident` a check of `sort`; `count` of them when they aren't told one by
    one."""

    at: datetime
    text: str
    note: str = ""
    sort: str = ""
    incident: Incident | None = None
    count: int = 1


@dataclass(frozen=True)
class TimelineStretch:
    """Acts, or checks in a row, newest first."""

    moments: list[Moment]
    noun: str = "object"

    @property
    def is_folded(self) -> bool:
        checks = [moment for moment in self.moments if moment.sort]
        return len(checks) > ALONE or any(moment.count > 1 for moment in checks)

    @property
    def words(self) -> str:
        """596 accounts failed their checks, 4 accounts are over"""
        counts = Counter[str]()
        for moment in self.moments:
            counts[moment.sort] += moment.count
        found = ((sort, counts[sort]) for sort in WORDS if counts[sort])
        return ", ".join(f"{count_words(n, self.noun)} {WORDS[sort][n > 1]}" for sort, n in found)

    @property
    def began(self) -> datetime:
        return self.moments[-1].at

    @property
    def ended(self) -> datetime:
        return self.moments[0].at


def build_timeline(cause: Cause) -> list[TimelineStretch]:
    """Newest first."""
    over = cause.total_incidents - cause.open_incidents
    failed = list(list_checks(cause, FAILED, cause.total_incidents))
    passed = list_checks(cause, PASSED, over) if over else ()
    about = [str(each.incident.entity_id) for each in failed if each.incident]
    moments = [*failed, *passed, *list_acts(cause, about)]
    moments.sort(key=lambda moment: moment.at, reverse=True)
    noun = NOUNS.get(cause.entity, "object")
    return [
        TimelineStretch(list(row), noun)
        for _, row in groupby(moments, lambda each: bool(each.sort))
    ]


def list_checks(cause: Cause, sort: str, total: int) -> Iterator[Moment]:
    """The last of them, and how many there were before."""
    rows = cause.incidents.exclude(**{sort: None}).order_by(f"-{sort}", "-id")
    shown = list(rows[:SHOWN])
    for row in shown:
        yield Moment(getattr(row, sort), WORDS[sort][0], sort=sort, incident=row)
    if shown and total > len(shown):
        last = getattr(shown[-1], sort)
        yield Moment(last, f"more {WORDS[sort][1]} until then", sort=sort, count=total - len(shown))


def list_acts(cause: Cause, about: list[str]) -> Iterator[Moment]:
    """What people and we did about it, and about these that failed while it lasted; and notes."""
    for note in cause.notes.all():
        yield Moment(note.at, f"{note.author} wrote", note.text)
    if cause.resolved_at:
        yield Moment(cause.resolved_at, "The last of it was over")
    own, until = str(cause.pk), cause.resolved_at or clock.now()
    events = Event.objects.of(cause.organization_id).exclude(action="cause.noted")
    wanted = Q(target_id=own) | Q(target_id__in=about, at__lte=until)
    for event in events.filter(wanted, at__gte=cause.opened_at)[:ACTS]:
        words = f"{action_words(event.action)} by {event.actor}"
        yield Moment(event.at, words, note="" if event.target_id == own else event.target)
