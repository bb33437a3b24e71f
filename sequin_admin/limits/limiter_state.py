"""The limiter's algorithm for one credential. Pure, and shared by the stores in Python.

`stores/*.lua` implement the same for Redis. A state machine in the tests checks both.

A request that can't start now gets a ticket: a place in the queue (`line`) and a time to retry, so
that waiting callers don't retry at once. Priorities are live, backfill, probe; while one of the
latter waits, it earns credit, its share of every permit granted to others. An expired ticket does
not block the queue.
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

# A permit may be granted this long before its start; waiting callers retry LEAD before that.
HORIZON = 50 * MS
LEAD = 45 * MS
# A ticket no longer blocks others LATE after its time to retry, and is dropped after ABANDONED.
LATE = 20 * MS
ABANDONED = 2_000 * MS
LONGEST_LINE = 1000
FARTHEST_TICKET = 60_000 * MS
# How many leases are stored at most if concurrency has no limit.
MOST_UNCAPPED = 1000
FIRST_HOLD = 20 * MS
SHORTEST_POLL = 2 * MS
# By priority (live, backfill, probe): its least share of the permits while it waits.
SHARES = (0.0, 0.2, 0.05)
MOST_CREDIT = 5.0


@dataclass
class CredentialLimiter:
    """State of one credential's limiter; change it only under the store's lock. Times are in µs.

    `windows` are by scope ("" is the credential's limit), `leases` are ends by lease id, `line` is
    the queue and `credit` is by priority. `paused` is the end of a pause, `hold` the mean duration
    of a call. By the provider's headers, `left` more may start until `left_until`, as `learned` by
    a call that started then. `granted`, `queued` and `throttled` are counters; `last` is the time
    of the last change. The names are stored by the database store.
    """

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

    def acquire(self, request: LimiterRequest, now: int) -> LimiterResponse:
        """Grant permits, or refuse with a time to retry and, if the caller waits, a ticket."""
        self.expire(now)
        limits = request.limits()
        for scope, limit in limits.items():
            self.windows.setdefault(scope, Window()).expire(limit, now)
        known = any(ticket.id == request.ticket for ticket in self.line)
        number = Ticket(request.ticket, 0).number if known else self.queued + 1
        others = [t for t in self.line if t.id != request.ticket and stands_before(t, request, now)]
        before = {scope: self.count_before(request, number, others, scope) for scope in limits}

        at = max(now, self.paused)
        for scope, limit in limits.items():
            at = max(at, self.windows[scope].earliest_start(limit, now, before[scope] + 1))
        if at < self.left_until and self.left <= before[""]:
            at = self.left_until
        places = [
            limit.at_once - self.under_way(scope) - before[scope]
            for scope, limit in limits.items()
            if limit.at_once
        ]
        if min(places, default=1) <= 0:
            poll = self.hold * (1 - min(places)) // max(x.at_once for x in limits.values())
            at = max(at, now + LEAD + max(poll, SHORTEST_POLL))
            return self.refuse(request, now, at, known)
        if at > now + min(request.wait, HORIZON):
            return self.refuse(request, now, at, known)

        room = [self.windows[s].capacity_at(limit, at) - before[s] for s, limit in limits.items()]
        if at < self.left_until:
            room.append(self.left - before[""])
        # A request for many permits leaves some to those behind it.
        behind = sum(ticket.number > number for ticket in others)
        return self.grant(
            request, now, at, min(request.n, *places, max(1, min(room) // (1 + behind)))
        )

    def expire(self, now: int) -> None:
        """Drop expired leases and abandoned tickets."""
        if now < self.last:
            self.shift(now - self.last)
        self.last = now
        self.leases = {id: ends for id, ends in self.leases.items() if ends > now}
        self.line = [ticket for ticket in self.line if ticket.at > now - ABANDONED]

    def shift(self, by: int) -> None:
        """Move all times by `by` µs, as the store's clock was set back: intervals stay the same."""
        for window in self.windows.values():
            window.shift(by)
        self.leases = {id: ends + by for id, ends in self.leases.items()}
        for ticket in self.line:
            ticket.at += by
        self.paused, self.left_until = self.paused + by, self.left_until + by
        self.learned += by

    def count_before(
        self, request: LimiterRequest, number: int, others: list[Ticket], scope: str
    ) -> int:
        """How many tickets start before `request`, of those under the limit of `scope`."""
        count = [0, 0, 0]
        mine = 0
        for ticket in others:
            if scope in ("", ticket.scope):
                count[ticket.priority] += 1
                mine += ticket.priority == request.priority and ticket.number < number
        first = mine + sum(count[: request.priority])
        if share := SHARES[request.priority]:
            earned = ceil((mine + 1 - self.credit[request.priority]) / share) - 1
            first = min(first, max(mine, earned))
        less_urgent = range(request.priority + 1, len(SHARES))
        return first + sum(min(count[i], max(int(self.credit[i]), 0)) for i in less_urgent)

    def under_way(self, scope: str) -> int:
        if not scope:
            return len(self.leases)
        return sum(lease.endswith(f".{scope}") for lease in self.leases)

    def grant(self, request: LimiterRequest, now: int, at: int, n: int) -> LimiterResponse:
        ends, end = at + request.lease, f"{at}.{request.within}.{request.scope}"
        leases = tuple(f"{self.granted + i}.{end}" for i in range(1, n + 1))
        self.granted += n
        for scope in request.limits():
            self.windows[scope].add(at + request.within, n)
        if request.limit.at_once or len(self.leases) < MOST_UNCAPPED:
            self.leases.update(dict.fromkeys(leases, ends))
        if at < self.left_until:
            self.left -= n
        self.line = [ticket for ticket in self.line if ticket.id != request.ticket]
        waiting = {ticket.priority for ticket in self.line if ticket.at >= now - LATE}
        for priority, share in enumerate(SHARES):
            credit = self.credit[priority]
            if priority == request.priority:
                # Granted ahead of a more urgent ticket: that costs credit, if need be below zero.
                paid = max(credit - n * (1 - share), -MOST_CREDIT)
                self.credit[priority] = paid if any(p < priority for p in waiting) else 0.0
            elif priority in waiting:
                self.credit[priority] = min(credit + n * share, MOST_CREDIT)
            else:
                self.credit[priority] = 0.0
        return LimiterResponse(now, leases, starts_in=at - now)

    def refuse(self, request: LimiterRequest, now: int, at: int, known: bool) -> LimiterResponse:
        """Refuse until `at`. A caller that waits keeps its ticket, or gets one."""
        self.line = [ticket for ticket in self.line if ticket.id != request.ticket]
        ticket = ""
        if request.wait and at <= now + FARTHEST_TICKET and len(self.line) < LONGEST_LINE:
            self.queued += not known
            ticket = (
                request.ticket if known else f"{self.queued}.{request.priority}.{request.scope}"
            )
            self.line.append(Ticket(ticket, at))
        return LimiterResponse(now, retry_in=at - now, ticket=ticket)

    def release(self, release: LeaseRelease, now: int) -> ReleaseResult:
        """Release a lease. Pauses and the provider's headers count even if it had expired."""
        self.expire(now)
        if release.pause is not None:
            self.throttled += 1
            self.paused = max(self.paused, now + release.pause)
        live = self.leases.pop(release.lease, None) is not None
        if live:
            self.correct_start(release, now)
        if release.left is not None:
            self.apply_remaining(release, max(release.left - len(self.leases), 0), now)
        return ReleaseResult(now, live)

    def correct_start(self, release: LeaseRelease, now: int) -> None:
        """Move the counted start to when the provider counted the call, as far as it is known."""
        start, within, scope = release.parse_lease()
        spent = max(now - start, 0)
        self.hold += (spent - self.hold) // 8
        used = min(within, spent) if release.used is None else min(max(release.used, 0), spent)
        if release.unused or used != within:
            for name in {"", scope} & self.windows.keys():
                self.windows[name].move(start + within, None if release.unused else start + used)

    def apply_remaining(self, release: LeaseRelease, left: int, now: int) -> None:
        """Allow at most `left` more starts until the provider's window resets.

        A call that started before the one that last set `left` can only lower it. `left` excludes
        calls under way, as the provider may or may not have counted them.
        """
        start, until = min(release.parse_lease()[0], now), now + release.resets
        if start < self.learned and now < self.left_until:
            self.left = min(self.left, left)
        else:
            self.left, self.left_until, self.learned = left, until, start

    def gauge(self, interval: int, now: int) -> Gauge:
        self.expire(now)
        window = self.windows.get("", Window())
        told = max(self.paused, self.left_until) - now
        return Gauge(
            now=now,
            used=window.count_since(now - interval),
            under_way=len(self.leases),
            waiting=len(self.line),
            paused_for=max(self.paused - now, 0),
            granted=self.granted,
            throttled=self.throttled,
            resets_in=told if told > 0 else window.frees_in(interval, now),
        )

    def pack(self) -> dict[str, Any]:
        """Compact state for JSON."""
        return {
            **self.__dict__,
            "windows": {scope: window.pack() for scope, window in self.windows.items()},
            "line": [[ticket.id, ticket.at] for ticket in self.line],
        }

    @classmethod
    def unpack(cls, values: dict[str, Any]) -> Self:
        windows = {scope: Window.unpack(w) for scope, w in values.pop("windows", {}).items()}
        line = [Ticket(*ticket) for ticket in values.pop("line", ())]
        return cls(windows=windows, line=line, **values)


def stands_before(ticket: Ticket, request: LimiterRequest, now: int) -> bool:
    """Whether a ticket can block `request`: not if it is late, or waits for another scope."""
    waits_for_other = ticket.scope not in ("", request.scope) and ticket.at > now + HORIZON
    return ticket.at >= now - LATE and not waits_for_other
