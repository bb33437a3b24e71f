"""What is said between those who ask for permits and a store. Durations and times are in µs."""

from dataclasses import dataclass

from sequin_admin.limits.window import Limit

MS = 1000
MINUTE = 60_000 * MS
# The largest part of the rest that a process takes at once is one in so many.
SHARES = 8


@dataclass(frozen=True)
class LimiterRequest:
    """Up to `n` permits. Durations in µs.

    `within` is how long after its start a permit may be used; until it is given back it counts as
    if used at the very end of that. `scope` and `narrower` are a second limit that must grant too.
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
        """Every limit that must grant, by its scope; the credential's own has none."""
        return {"": self.limit} | ({self.scope: self.narrower} if self.narrower else {})


@dataclass(frozen=True)
class LimiterResponse:
    """`leases` granted, to start in `starts_in` µs; or none, to ask again in `opens_in` µs."""

    now: int
    leases: tuple[str, ...] = ()
    starts_in: int = 0
    opens_in: int = 0
    ticket: str = ""

    @property
    def starts_at(self) -> int:
        """By the store's clock."""
        return self.now + self.starts_in


@dataclass(frozen=True)
class LeaseRelease:
    """A lease that comes back. `used` is when it was counted, in µs after its start.

    `unused` says that no call was made: its place is free again. `pause` stops everybody for so
    long; `left` is how many more the provider lets start within `resets` µs. None says nothing.
    """

    lease: str
    used: int | None = None
    unused: bool = False
    pause: int | None = None
    left: int | None = None
    resets: int = 0

    def parts(self) -> tuple[int, int, str]:
        """Of the lease: start and `within` in µs, and the scope."""
        _, start, within, scope = self.lease.split(".", 3)
        return int(start), int(within), scope


@dataclass(frozen=True)
class ReleaseResult:
    """Whether a lease was still under way when it came back, and when that was."""

    now: int
    live: bool


@dataclass
class Ticket:
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
    """What is going on with a credential. `granted` and `throttled` count for ever."""

    now: int
    used: int = 0
    under_way: int = 0
    waiting: int = 0
    paused_for: int = 0
    granted: int = 0
    throttled: int = 0


@dataclass(frozen=True)
class Block:
    """`n` requests of the store's minute `minute`, which has `left` µs to go; `rest` are left for
    everybody."""

    minute: int
    n: int
    rest: int
    left: int
