"""Reference model of the rate limiter, to which every store is compared."""

from dataclasses import dataclass, field

from sequin_admin.limits.requests import LeaseRelease, LimiterRequest, LimiterResponse
from sequin_admin.limits.window import Limit


@dataclass
class Started:
    lease: str
    counts: int  # counts as started at this time, in µs
    ends: int
    scope: str


@dataclass
class Plain:
    """Keeps every permit ever granted in a list."""

    started: list[Started] = field(default_factory=list)
    out: dict[str, Started] = field(default_factory=dict)
    paused: int = 0

    def room(self, limit: Limit, at: int, now: int, scope: str = "") -> int:
        """How many more may start at `at`, by the window and by the calls in progress `now`."""
        mine = [s for s in self.started if scope in ("", s.scope)]
        in_window = sum(s.counts > at - limit.interval for s in mine)
        room = limit.allowed - in_window
        if limit.at_once:
            out = sum(s.ends > now for s in self.out.values() if scope in ("", s.scope))
            room = min(room, limit.at_once - out)
        return room

    def may(self, ask: LimiterRequest, at: int, now: int) -> int:
        if at < self.paused:
            return 0
        return max(0, min(self.room(limit, at, now, s) for s, limit in ask.limits().items()))

    def granted(self, ask: LimiterRequest, answer: LimiterResponse) -> None:
        for lease in answer.leases:
            at = answer.starts_at
            made = Started(lease, at + ask.within, at + ask.lease, ask.scope)
            self.started.append(made)
            self.out[lease] = made

    def came_back(self, back: LeaseRelease, now: int) -> bool:
        if back.pause is not None:
            self.paused = max(self.paused, now + back.pause)
        mine = self.out.pop(back.lease, None)
        if mine is None or mine.ends <= now:
            return False
        start, within, _ = back.parse_lease()
        if back.unused:
            self.started.remove(mine)
        else:
            spent = max(now - start, 0)
            used = min(within, spent) if back.used is None else min(max(back.used, 0), spent)
            mine.counts = start + used
        return True
