"""Who may renew a token right now: one holder at a time, for as long as its call goes on.

A lease ends by itself, so that a killed holder blocks nobody for long; and it is renewed while its
call is under way, so that an honest holder never loses it to a slow provider.
"""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connections, transaction

from sequin_admin.core import clock
from sequin_admin.tokens import protocol
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.throttle import RefreshThrottle

log = structlog.get_logger(__name__)
# Longer than the deadline of one call, so that even an unrenewed lease outlives it.
LEASE = timedelta(seconds=protocol.TOKEN_DEADLINE_S + 10)
RENEWED_EVERY_S = LEASE.total_seconds() / 3
# A renewal makes up to two calls. Whatever lasts longer than three hangs, and loses its lease.
LONGEST = timedelta(seconds=3 * protocol.TOKEN_DEADLINE_S)
JOURNAL_KEPT = 10
# The columns that a claim writes, and those that it looks at: no secret is decrypted for it.
WRITTEN = ("lease_owner", "lease_fence", "lease_until", "tried_at", "journal")
SEEN = (*WRITTEN, "version", "failures", "refresh_at", "credential__kind", "credential__oauth_app")


@dataclass(frozen=True, eq=False)
class RenewalLease:
    """The right to renew one credential's token. `token` is the row as it was when taken."""

    token: Token
    fence: int
    cut_off_before: bool
    taken_at: datetime


def take(seen: Token) -> RenewalLease | None:
    """The lease, with the attempt journalled in the same write.

    None when somebody holds it, or has held it since the row was `seen`: then look again.
    """
    now, fence, held = clock.now(), seen.lease_fence, seen.lease_until
    if held and held > now:
        return None
    taken = copy(seen)
    taken.lease_owner, taken.lease_fence = uuid.uuid4().hex, fence + 1
    taken.lease_until, taken.tried_at = now + LEASE, now
    attempt = {"fence": fence + 1, "at": now.isoformat()}
    taken.journal = [*seen.journal, attempt][-JOURNAL_KEPT:]
    # Each end of an attempt changes one of these: then what was seen is not the row any more.
    unchanged = {"lease_fence": fence, "lease_until": held, "version": seen.version}
    written = {name: getattr(taken, name) for name in WRITTEN}
    if not Token.objects.filter(pk=seen.pk, **unchanged).update(**written):
        return None
    return RenewalLease(taken, fence + 1, answer_missing(seen.journal), now)


def answer_missing(journal: list[dict[str, Any]]) -> bool:
    """Whether an attempt since the last success sent our refresh token and got no answer."""
    for attempt in reversed(journal):
        code = attempt.get("code")
        if code == "ok":
            return False
        if code in (None, "unreachable"):
            return True
    return False


def claim_due(room: int) -> list[RenewalLease]:
    """Leases of up to `room` tokens whose time has come, oldest first, as far as the pace allows.

    One short transaction: rows that another process is at are passed over, not waited for.
    """
    with transaction.atomic():
        pace = RefreshThrottle.locked(now := clock.now())
        due = Token.objects.refresh_due(now).free(now).exclude(next_try_at__gt=now)
        # Those that must wait a second do not stand before the tokens of other apps.
        waiting = due.exclude(pace.spent()).select_related("credential").only(*SEEN)
        rows = waiting.select_for_update(skip_locked=True, of=("self",))[:room]
        taken = [take(row) for row in rows if pace.admits(row.credential)]
    return [lease for lease in taken if lease]


class LeaseHeartbeat:
    """Renews the leases whose calls this process has under way, all in one thread.

    The thread starts with the first lease and ends when none is left. It dies with the process:
    what a killed process held runs out.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: set[RenewalLease] = set()
        self.thread: threading.Thread | None = None

    def hold(self, lease: RenewalLease) -> None:
        with self.lock:
            self.held.add(lease)
            # After a fork the child sees its parent's thread as ended.
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.run, name="leases", daemon=True)
                self.thread.start()

    def drop(self, lease: RenewalLease) -> None:
        with self.lock:
            self.held.discard(lease)

    def run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(RENEWED_EVERY_S)
            with self.lock:
                held = list(self.held)
                if not held:
                    self.thread = None
                    return
            self.renew(held)

    def renew(self, held: list[RenewalLease]) -> None:
        try:
            for lease in held:
                extend(lease)
        except DatabaseError:
            # The leases have two thirds of their time left: the next round may still save them.
            log.warning("leases not renewed", exc_info=True)
        finally:
            connections.close_all()


def extend(lease: RenewalLease) -> bool:
    """Let it end `LEASE` from now. False when it is over: ended, taken over, or hanging."""
    now = clock.now()
    if now - lease.taken_at > LONGEST:
        return False
    # Not if it was given back: an extension that comes too late must not lock the row again.
    mine = Token.objects.filter(
        pk=lease.token.pk, lease_fence=lease.fence, lease_until__isnull=False
    )
    return bool(mine.update(lease_until=now + LEASE))


def still_held(lease: RenewalLease) -> bool:
    """Whether a lease that stood in line may be used: it is young, or could be extended."""
    young = clock.now() - lease.taken_at < LEASE / 3
    return young or extend(lease)


heartbeat = LeaseHeartbeat()


@contextmanager
def held(lease: RenewalLease) -> Iterator[None]:
    """While the block runs, the lease does not end by itself."""
    heartbeat.hold(lease)
    try:
        yield
    finally:
        heartbeat.drop(lease)
