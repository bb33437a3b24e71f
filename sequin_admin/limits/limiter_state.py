"""What the limiter decides: pure, so that every store that runs Python decides alike.

`stores/acquire.lua` says the same for Redis. A state machine in the tests holds both to the rule.

Who can't start now gets a ticket: a place in the line and a time to come back, so that the waiting
don't all ask at once. Live goes before backfill before probe, but while they wait, each of the
latter earns its share with every permit that others get. Who stays away when the time has come
blocks nobody.
"""

from dataclasses import dataclass, field
from math import ceil
from typing import Any, Self

from sequin_admin.limits.requests import (
    MS,
    Gauge,
    LeaseRelease,
    LimiterRequest,
    LimiterResponse,
    ReleaseResult,
    Ticket,
)
from sequin_admin.limits.window import Window

# A permit may be given out this long before its start; who waits comes back a bit before that.
HORIZON = 50 * MS
LEAD = 45 * MS
# A ticket whose time has passed holds nobody up after LATE, and is dropped after ABANDONED.
LATE = 20 * MS
ABANDONED = 2_000 * MS
LONGEST_LINE = 1000
FARTHEST_TICKET = 60_000 * MS
# Leases that are kept where nothing limits their number.
MOST_UNCAPPED = 1000
FIRST_HOLD = 20 * MS
SHORTEST_LOOK = 2 * MS
# By priority (live, backfill, probe): what each gets at least of the permits while it waits.
SHARES = (0.0, 0.2, 0.05)
MOST_CREDIT = 5.0


@dataclass
class CredentialLimiter:
    """All that is known of one credential. Who changes it holds its lock."""

    windows: dict[str, Window] = field(default_factory=dict)
    leases: dict[str, int] = field(default_factory=dict)
    line: list[Ticket] = field(default_factory=list)
    credit: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    granted: int = 0
    queued: int = 0
    throttled: int = 0
    paused: int = 0
    left: int = 0
    left_until: int = 0
    learned: int = 0
    hold: int = FIRST_HOLD
    last: int = 0

    def acquire(self, ask: LimiterRequest, now: int) -> LimiterResponse:
        self.look(now)
        limits = ask.limits()
        for scope, limit in limits.items():
            self.windows.setdefault(scope, Window()).forget(limit, now)
        known = any(ticket.id == ask.ticket for ticket in self.line)
        number = Ticket(ask.ticket, 0).number if known else self.queued + 1
        others = [t for t in self.line if t.id != ask.ticket and stands(t, ask, now)]
        before = {scope: self.before(ask, number, others, scope) for scope in limits}

        at = max(now, self.paused)
        for scope, limit in limits.items():
            at = max(at, self.windows[scope].opens(limit, now, before[scope] + 1))
        if at < self.left_until and self.left <= before[""]:
            at = self.left_until
        places = [
            limit.at_once - self.under_way(scope) - before[scope]
            for scope, limit in limits.items()
            if limit.at_once
        ]
        if min(places, default=1) <= 0:
            looks = self.hold * (1 - min(places)) // max(x.at_once for x in limits.values())
            at = max(at, now + LEAD + max(looks, SHORTEST_LOOK))
            return self.refuse(ask, now, at, known)
        if at > now + min(ask.wait, HORIZON):
            return self.refuse(ask, now, at, known)

        room = [self.windows[s].room(limit, at) - before[s] for s, limit in limits.items()]
        if at < self.left_until:
            room.append(self.left - before[""])
        # Who takes many leaves some to those behind.
        behind = sum(ticket.number > number for ticket in others)
        return self.grant(ask, now, at, min(ask.n, *places, max(1, min(room) // (1 + behind))))

    def look(self, now: int) -> None:
        """Let end what has ended by `now`."""
        if now < self.last:
            self.shift(now - self.last)
        self.last = now
        self.leases = {id: ends for id, ends in self.leases.items() if ends > now}
        self.line = [ticket for ticket in self.line if ticket.at > now - ABANDONED]

    def shift(self, by: int) -> None:
        """The store's clock was set back: whatever was so long ago or ahead still is."""
        for window in self.windows.values():
            window.shift(by)
        self.leases = {id: ends + by for id, ends in self.leases.items()}
        for ticket in self.line:
            ticket.at += by
        self.paused, self.left_until = self.paused + by, self.left_until + by
        self.learned += by

    def before(self, ask: LimiterRequest, number: int, others: list[Ticket], scope: str) -> int:
        """How many of the waiting start before `ask`, of those that the limit of `scope` binds."""
        count = [0, 0, 0]
        mine = 0
        for ticket in others:
            if scope in ("", ticket.scope):
                count[ticket.priority] += 1
                mine += ticket.priority == ask.priority and ticket.number < number
        first = mine + sum(count[: ask.priority])
        if share := SHARES[ask.priority]:
            earned = ceil((mine + 1 - self.credit[ask.priority]) / share) - 1
            first = min(first, max(mine, earned))
        less_urgent = range(ask.priority + 1, len(SHARES))
        return first + sum(min(count[i], max(int(self.credit[i]), 0)) for i in less_urgent)

    def under_way(self, scope: str) -> int:
        if not scope:
            return len(self.leases)
        return sum(lease.endswith(f".{scope}") for lease in self.leases)

    def grant(self, ask: LimiterRequest, now: int, at: int, n: int) -> LimiterResponse:
        ends, end = at + ask.lease, f"{at}.{ask.within}.{ask.scope}"
        leases = tuple(f"{self.granted + i}.{end}" for i in range(1, n + 1))
        self.granted += n
        for scope in ask.limits():
            self.windows[scope].add(at + ask.within, n)
        if ask.limit.at_once or len(self.leases) < MOST_UNCAPPED:
            self.leases.update(dict.fromkeys(leases, ends))
        if at < self.left_until:
            self.left -= n
        self.line = [ticket for ticket in self.line if ticket.id != ask.ticket]
        waiting = {ticket.priority for ticket in self.line if ticket.at >= now - LATE}
        for priority, share in enumerate(SHARES):
            credit = self.credit[priority]
            if priority == ask.priority:
                # Ahead of somebody more urgent: that is paid for, if need be later.
                paid = max(credit - n * (1 - share), -MOST_CREDIT)
                self.credit[priority] = paid if any(p < priority for p in waiting) else 0.0
            elif priority in waiting:
                self.credit[priority] = min(credit + n * share, MOST_CREDIT)
            else:
                self.credit[priority] = 0.0
        return LimiterResponse(now, leases, starts_in=at - now)

    def refuse(self, ask: LimiterRequest, now: int, at: int, known: bool) -> LimiterResponse:
        """Say when to come back. Who wants to wait keeps a place in the line, or gets one."""
        self.line = [ticket for ticket in self.line if ticket.id != ask.ticket]
        ticket = ""
        if ask.wait and at <= now + FARTHEST_TICKET and len(self.line) < LONGEST_LINE:
            self.queued += not known
            ticket = ask.ticket if known else f"{self.queued}.{ask.priority}.{ask.scope}"
            self.line.append(Ticket(ticket, at))
        return LimiterResponse(now, opens_in=at - now, ticket=ticket)

    def release(self, back: LeaseRelease, now: int) -> ReleaseResult:
        """What the user of the lease learned counts even when it had ended."""
        self.look(now)
        if back.pause is not None:
            self.throttled += 1
            self.paused = max(self.paused, now + back.pause)
        live = self.leases.pop(back.lease, None) is not None
        if live:
            self.settle(back, now)
        if back.left is not None:
            self.learn(back, max(back.left - len(self.leases), 0), now)
        return ReleaseResult(now, live)

    def settle(self, back: LeaseRelease, now: int) -> None:
        """Count the start where it was, now that this is known."""
        start, within, scope = back.parts()
        spent = max(now - start, 0)
        self.hold += (spent - self.hold) // 8
        used = min(within, spent) if back.used is None else min(max(back.used, 0), spent)
        if back.unused or used != within:
            for name in {"", scope} & self.windows.keys():
                self.windows[name].move(start + within, None if back.unused else start + used)

    def learn(self, back: LeaseRelease, left: int, now: int) -> None:
        """Start at most `left` more for a while. Who started before the last teller only tightens.

        The provider may or may not have counted those under way: `left` is without them.
        """
        start, until = min(back.parts()[0], now), now + back.resets
        if start < self.learned and now < self.left_until:
            self.left = min(self.left, left)
        else:
            self.left, self.left_until, self.learned = left, until, start

    def gauge(self, interval: int, now: int) -> Gauge:
        self.look(now)
        return Gauge(
            now=now,
            used=self.windows.get("", Window()).used(now - interval),
            under_way=len(self.leases),
            waiting=len(self.line),
            paused_for=max(self.paused - now, 0),
            granted=self.granted,
            throttled=self.throttled,
        )

    def packed(self) -> dict[str, Any]:
        """Short, and as JSON takes it."""
        return {
            **self.__dict__,
            "windows": {scope: window.packed() for scope, window in self.windows.items()},
            "line": [[ticket.id, ticket.at] for ticket in self.line],
        }

    @classmethod
    def unpacked(cls, values: dict[str, Any]) -> Self:
        windows = {scope: Window.unpacked(w) for scope, w in values.pop("windows", {}).items()}
        line = [Ticket(*ticket) for ticket in values.pop("line", ())]
        return cls(windows=windows, line=line, **values)


def stands(ticket: Ticket, ask: LimiterRequest, now: int) -> bool:
    """Whether `ask` has to mind a ticket: not when it is late, or waits for a limit of its own."""
    own = ticket.scope not in ("", ask.scope) and ticket.at > now + HORIZON
    return ticket.at >= now - LATE and not own
