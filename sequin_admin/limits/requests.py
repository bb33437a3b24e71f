"""Requests to a limiter store and its responses. Durations and times are in µs."""

from dataclasses import dataclass, replace

from sequin_admin.limits.window import Limit

MS = 1000
MINUTE = 60_000 * MS
# A process takes at most one in so many of the remaining requests at once.
SHARES = 8


@dataclass(frozen=True)
class LimiterRequest:
    """A request for up to `n` permits.

    `within` is how long after its start a permit may be used; until it is released it counts as
    used at the end of that. `scope` and `narrower` are a second limit that must allow it too.
    """

    limit: Limit
    n: int = 1
    priority: int = 0
    wait: int = 0
    lease: int = 60_000 * MS
    within: int = 0
    ticket: str = ""
    scope: str = ""
    narrower: Limit | None = None

    def limits(self) -> dict[str, Limit]:
        """All limits that must allow it, by scope; the credential's own scope is ""."""
        return {"": self.limit} | ({self.scope: self.narrower} if self.narrower else {})

    def share(self, share: float) -> "LimiterRequest":
        """The same under a share of its limits."""
        narrower = self.narrower and self.narrower.share(share)
        return replace(self, limit=self.limit.share(share), narrower=narrower)


@dataclass(frozen=True)
class LimiterResponse:
    """Granted `leases`, which start in `starts_in` µs; or none, to retry in `retry_in` µs.

    `quiet`: refused as the store has started empty, and calls that it does not know may go on.
    """

    now: int
    leases: tuple[str, ...] = ()
    starts_in: int = 0
    retry_in: int = 0
    ticket: str = ""
    quiet: bool = False

    @property
    def starts_at(self) -> int:
        """By the store's clock."""
        return self.now + self.starts_in


@dataclass(frozen=True)
class LeaseRelease:
    """The release of a lease. `used` is when the call was counted, in µs after its start.

    `unused` says that no call was made. `pause` stops the credential for so long. `left` is how
    many more calls the provider allows within `resets` µs. None is unknown.
    """

    lease: str
    used: int | None = None
    unused: bool = False
    pause: int | None = None
    left: int | None = None
    resets: int = 0

    def parse_lease(self) -> tuple[int, int, str]:
        """Start and `within` in µs and the scope, which the lease's id holds."""
        _, start, within, scope = self.lease.split(".", 3)
        return int(start), int(within), scope


@dataclass(frozen=True)
class ReleaseResult:
    """Whether a lease was still `live` when it was released, at `now`."""

    now: int
    live: bool


@dataclass
class Ticket:
    """A place in the queue. `id` is `number.priority.scope`; `at` is the time to retry."""

    id: str
    at: int

    @property
    def number(self) -> int:
        return int(self.id.split(".")[0])

    @property
    def priority(self) -> int:
        return int(self.id.split(".")[1])

    @property
    def scope(self) -> str:
        return self.id.split(".", 2)[2]


@dataclass(frozen=True)
class Gauge:
    """Current use of a credential's limit. `granted` and `throttled` are ever-growing counters.

    `resets_in`: until the provider lets us go on or its window ends, else until the oldest call
    leaves the limit's window; 0 when none counts.
    """

    now: int
    used: int = 0
    under_way: int = 0
    waiting: int = 0
    paused_for: int = 0
    granted: int = 0
    throttled: int = 0
    resets_in: int = 0


@dataclass(frozen=True)
class Block:
    """`n` requests of the store's `minute`, which ends in `left` µs; `remaining` are for others."""

    minute: int
    n: int
    remaining: int
    left: int
