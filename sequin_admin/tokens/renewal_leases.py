"""Leases on tokens: at most one process at a time renews the token of a credential.

While the holder's call is in progress a heartbeat extends the lease, so that a slow provider does
not end it.
"""

import itertools
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, connection, connections, models, transaction
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from sequin_admin.access import endings
from sequin_admin.core import clock, leases, shutdown, turns
from sequin_admin.core.availability import is_told
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.turns import Turns
from sequin_admin.tokens import endpoints, protocol
from sequin_admin.tokens.endpoints import CallRoom, Capacity
from sequin_admin.tokens.models import Purpose, SilentEndpoint, Token
from sequin_admin.tokens.throttle import RefreshThrottle

log = structlog.get_logger(__name__)
# Longer than the deadline of one call, so that a lease outlives it even without heartbeat.
LEASE = timedelta(seconds=protocol.TOKEN_DEADLINE_S + 10)
HEARTBEAT_S = LEASE.total_seconds() / 3
# A renewal makes up to two calls. One that takes longer than three hangs: its lease may expire.
LONGEST = timedelta(seconds=3 * protocol.TOKEN_DEADLINE_S)
JOURNAL_KEPT = 10
# The columns that taking a lease reads: no secret is decrypted for it.
READ_COLUMNS = (
    *leases.LEASE_COLUMNS,
    *("journal", "failures", "refresh_at"),
)
TURNS = Turns()


@dataclass(frozen=True, eq=False)
class RenewalLease:
    """The right to renew one credential's token.

    `token` is the row as written with the lease. `unanswered_before`: the attempts since the last
    success that got no response, of the journal; if there are any, the refresh token may be used
    up.
    """

    token: Token
    unanswered_before: list[dict[str, Any]]

    @property
    def fence(self) -> int:
        return self.token.lease_fence


def acquire_lease(seen: Token) -> RenewalLease | None:
    """Take the lease, and add the attempt to the journal in the same write.

    None when another process holds it, or has held it since the row was `seen`; then read the row
    again. Also None when this process is stopping: the call might be cut off.
    """
    if shutdown.is_requested():
        return None
    taken = copy(seen)
    taken.journal = begin_attempt(seen)
    tried_at = DatabaseTime(stored=True)
    if not leases.take(taken, LEASE, journal=taken.journal, tried_at=tried_at):
        return None
    return RenewalLease(taken, find_unanswered(seen.journal))


def begin_attempt(seen: Token) -> list[dict[str, Any]]:
    """The journal with the attempt of the lease that is about to be taken."""
    attempt = {"fence": seen.lease_fence + 1, "at": clock.now().isoformat()}
    return [*seen.journal, attempt][-JOURNAL_KEPT:]


def find_unanswered(journal: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attempts since the last success that sent the refresh token and got no response."""
    newest_first = reversed(journal)
    since = itertools.takewhile(lambda attempt: attempt.get("code") != "ok", newest_first)
    return [attempt for attempt in since if attempt.get("code") in (None, "unreachable")]


def claim_due(limit: int, capacity: Capacity = Capacity()) -> list[RenewalLease]:  # noqa: B008 - frozen
    """Leases of up to `limit` tokens due for refresh, as the throttle and `capacity` allow.

    The organizations take turns; of each queue the oldest come first. Short transactions, which
    skip rows locked by another process.
    """
    ending = endings.list_ending()
    rows = endings.without_ending(Token.objects.refresh_due(), ending, "credential__organization")
    due = rows.filter(leases.unleased()).only(*READ_COLUMNS)
    due = due.exclude(next_try_at__gt=DatabaseTime())
    silent = endpoints.list_silent(Purpose.RENEW)
    leased = claim_trials(due, silent, limit, capacity)
    throttle = RefreshThrottle()
    room = CallRoom(capacity, silent, throttle.under_way)
    # What may not start is left out, so that it does not delay others.
    closed = [*room.closed_queues(), *throttle.exhausted(), *endings.closed_queues(ending)]
    answering = due.exclude(room.silent_hosts("credential")) if silent else due

    @transaction.atomic
    def take(queues: Sequence[str], most: int) -> list[RenewalLease]:
        if shutdown.is_requested():
            return []
        throttle.lock(queues)
        room.under_way = throttle.under_way

        def allow(queue: str, share: int, rivals: int) -> int:
            count = room.take(queue, min(share, throttle.room(queue, rivals)), rivals)
            throttle.start(queue, count)
            return count

        shares = TURNS.share_out(queues, most, allow)
        return take_leases(turns.lock_shares(answering, shares))

    return leased + TURNS.claim(answering, limit - len(leased), take, closed)


def claim_trials(
    due: QuerySet[Token], silent: Sequence[SilentEndpoint], limit: int, capacity: Capacity
) -> list[RenewalLease]:
    """One lease for each endpoint that does not answer and is not being tried."""
    if not silent or shutdown.is_requested():
        return []
    locked: list[Token] = []
    with transaction.atomic():
        for endpoint in endpoints.due_trials(silent, capacity)[:limit]:
            rows = due.filter(endpoint.accounts("credential"))
            if rows.exists() and endpoints.start_trial(endpoint):
                locked += rows.select_for_update(skip_locked=True, of=("self",))[:1]
        return take_leases(locked)


def take_leases(locked: list[Token]) -> list[RenewalLease]:
    """The leases of rows that this transaction has locked, as `acquire_lease()` takes one."""
    if not locked:
        return []
    unanswered = [find_unanswered(token.journal) for token in locked]
    for token in locked:
        token.journal = begin_attempt(token)
    tried_at = DatabaseTime(stored=True)
    leases.take_locked(locked, LEASE, tried_at=tried_at, journal=own_journals(locked))
    return [RenewalLease(*each) for each in zip(locked, unanswered, strict=True)]


def own_journals(tokens: Sequence[Token]) -> Cast:
    """To each row its journal, in one UPDATE. As `bulk_update()`, at an eighth of its cost."""
    meta = Token._meta
    key = meta.pk.get_db_prep_value
    pairs = [(key(token.pk, connection), json.dumps(token.journal)) for token in tokens]
    sql = f"CASE {meta.pk.column} {'WHEN %s THEN %s ' * len(pairs)}END"
    text = RawSQL(sql, tuple(itertools.chain.from_iterable(pairs)), models.TextField())  # noqa: S611
    return Cast(text, models.JSONField())


class LeaseHeartbeat:
    """Extends the leases whose calls this process has in progress, all in one thread.

    The thread starts with the first lease and ends when none is left. It ends with the process, so
    the leases of a killed process expire.
    """

    has_thread = True
    due_at = 0.0

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: set[RenewalLease] = set()
        self.thread: threading.Thread | None = None

    def add(self, lease: RenewalLease) -> None:
        with self.lock:
            self.held.add(lease)
            # After a fork the child sees its parent's thread as ended.
            if self.has_thread and (self.thread is None or not self.thread.is_alive()):
                self.thread = threading.Thread(target=self.run, name="leases", daemon=True)
                self.thread.start()

    def remove(self, lease: RenewalLease) -> None:
        with self.lock:
            self.held.discard(lease)

    def run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(HEARTBEAT_S)
            with self.lock:
                held = list(self.held)
                if not held:
                    self.thread = None
                    return
            self.renew(held)
            connections.close_all()

    @contextmanager
    def without_thread(self) -> Iterator[None]:
        """In the block a thread of the caller's calls `renew_if_due()` again and again, so that no
        further connection is opened."""
        self.has_thread = False
        try:
            yield
        finally:
            self.has_thread = True

    def renew_if_due(self) -> None:
        """At most every `HEARTBEAT_S` seconds."""
        if time.monotonic() >= self.due_at:
            self.due_at = time.monotonic() + HEARTBEAT_S
            with self.lock:
                held = list(self.held)
            self.renew(held)

    def renew(self, held: list[RenewalLease]) -> None:
        try:
            for lease in held:
                extend_lease(lease)
        except (DatabaseError, InterfaceError) as error:
            # The leases have two thirds of their time left: the next round can still extend them.
            if not is_told(error):
                log.warning("leases not renewed", exc_info=True)


def extend_lease(lease: RenewalLease) -> bool:
    """Let it expire `LEASE` from now. False when it was released, was taken over, or hangs."""
    going_on = leases.still_mine(lease.token).filter(tried_at__gte=DatabaseTime(-LONGEST))
    return leases.extend(going_on, LEASE)


def confirm_lease(lease: RenewalLease) -> bool:
    """Whether a lease that waited in a queue may be used: it could be extended.

    When this process is stopping it is given back, and its attempt never began.
    """
    if shutdown.is_requested():
        give_back(lease)
        return False
    return extend_lease(lease)


def give_back(lease: RenewalLease) -> None:
    """Release it as if its attempt had never begun."""
    leases.release(lease.token, journal=lease.token.journal[:-1])


heartbeat = LeaseHeartbeat()


@contextmanager
def held(lease: RenewalLease) -> Iterator[None]:
    """Extend the lease regularly while the block runs."""
    heartbeat.add(lease)
    try:
        yield
    finally:
        heartbeat.remove(lease)
