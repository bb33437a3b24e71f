"""Slots and uptime of a status history, computed from transitions. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from sequin_admin.health.status import SEVERITY, Status


class Change(Protocol):
    """A transition: from `at` on the status was `after`."""

    at: datetime
    before: str
    after: str


@dataclass(frozen=True)
class StatusSpan:
    """A span of time with one status; "" when it is unknown."""

    start: datetime
    end: datetime
    status: str


@dataclass(frozen=True)
class Slot:
    """One slot of the history bar: seconds spent in each status."""

    start: datetime
    end: datetime
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The worst status in the slot; "" when none is known."""
        known = [Status(status) for status in self.seconds if status]
        return min(known, key=SEVERITY.index) if known else ""


def spans(changes: Sequence[Change], start: datetime, end: datetime) -> list[StatusSpan]:
    """Spans of one status each, from `start` to `end`. `changes` are oldest first."""
    inside = [change for change in changes if start < change.at < end]
    earlier = [change for change in changes if change.at <= start]
    first = earlier[-1].after if earlier else (inside[0].before if inside else "")
    cuts = [start, *(change.at for change in inside), end]
    statuses = [first, *(change.after for change in inside)]
    return [
        StatusSpan(since, until, status)
        for (since, until), status in zip(pairwise(cuts), statuses, strict=True)
        if since < until
    ]


def slots(
    parts: Sequence[StatusSpan], start: datetime, length: timedelta, count: int
) -> list[Slot]:
    """`count` slots of the given length from `start` on, each with its part of the spans."""
    starts = [start + number * length for number in range(count)]
    return [Slot(at, at + length, shares(parts, at, at + length)) for at in starts]


def shares(parts: Iterable[StatusSpan], start: datetime, end: datetime) -> dict[str, float]:
    """Seconds spent in each status between `start` and `end`."""
    spent: dict[str, float] = {}
    for part in parts:
        overlap = (min(part.end, end) - max(part.start, start)).total_seconds()
        if overlap > 0:
            spent[part.status] = spent.get(part.status, 0) + overlap
    return spent


def known_from(parts: Sequence[StatusSpan], since: datetime | None) -> list[StatusSpan]:
    """The spans with the status unknown before `since`."""
    if since is None:
        return list(parts)
    cut = [replace(part, end=min(part.end, since), status="") for part in parts]
    rest = [replace(part, start=max(part.start, since)) for part in parts]
    return [part for part in (*cut, *rest) if part.start < part.end]


def known_time(parts: Iterable[StatusSpan]) -> timedelta:
    return sum((part.end - part.start for part in parts if part.status), timedelta())


def uptime(parts: Iterable[StatusSpan]) -> float | None:
    """Healthy share of the time with a known status, from 0 to 1; None when there is none."""
    rows = list(parts)
    total = known_time(rows)
    healthy = known_time(part for part in rows if part.status == Status.HEALTHY)
    return healthy / total if total else None
