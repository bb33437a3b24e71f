"""The status history of one monitored row, for the history bar and its figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sequin_admin.core import clock
from sequin_admin.core.monitored import Monitored
from sequin_admin.health import timeline
from sequin_admin.health.models import Transition
from sequin_admin.health.timeline import Slot, StatusSpan


@dataclass(frozen=True)
class Period:
    """The time that a history bar covers: `slots` slots of the length `slot`."""

    name: str
    title: str
    slot: timedelta
    slots: int


DAY = Period("24h", "Last 24 hours", timedelta(minutes=30), 48)
QUARTER = Period("90d", "Last 90 days", timedelta(days=1), 90)


@dataclass(frozen=True)
class History:
    """`troubles` are unhealthy spans, newest first. `uptime` is from 0 to 1, of the `known` time;
    None if nothing is known."""

    period: Period
    slots: list[Slot]
    troubles: list[StatusSpan]
    uptime: float | None
    known: timedelta


def get_history(subject: Monitored, period: Period) -> History:
    """History by the transitions. The last slot ends with the current day or half hour."""
    now = clock.now()
    end = next_boundary(now, period.slot)
    start = end - period.slots * period.slot
    parts = timeline.spans(changes_since(subject, start), start, now)
    parts = timeline.known_from(parts, subject.known_since() if subject.has_run() else now)
    return History(
        period,
        timeline.slots(parts, start, period.slot, period.slots),
        [part for part in reversed(parts) if part.status not in ("", "healthy")],
        timeline.uptime(parts),
        timeline.known_time(parts),
    )


def changes_since(subject: Monitored, start: datetime) -> list[Transition]:
    """Transitions since `start`, oldest first, with the one before: it holds the first status."""
    rows = Transition.objects.about(subject)
    before = rows.filter(at__lte=start).first()
    return ([before] if before else []) + list(rows.filter(at__gt=start).order_by("at", "id"))


def next_boundary(at: datetime, step: timedelta) -> datetime:
    """The end of the day or half hour (UTC) that `at` lies in."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (at - midnight) // step
    return midnight + (passed + 1) * step
