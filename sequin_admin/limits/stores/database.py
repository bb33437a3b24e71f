"""The state in the database: one row for each credential, locked while it is decided upon.

The time is the database's, asked for after the lock was had, so that no clock but one matters.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, models, transaction

from sequin_admin.limits.limiter_state import CredentialLimiter
from sequin_admin.limits.models import LimiterState, Quota
from sequin_admin.limits.requests import (
    MINUTE,
    SHARES,
    Block,
    Gauge,
    LeaseRelease,
    LimiterRequest,
    LimiterResponse,
    ReleaseResult,
)
from sequin_admin.limits.stores import Unavailable

# PostgreSQL does the subquery, and with it the waiting for the lock, before it looks at the clock.
# SQLite took its lock when the transaction began. Its clock counts milliseconds.
CLOCK = {
    "postgresql": "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    "sqlite": "CAST(round((julianday('now') - 2440587.5) * 86400000) AS integer) * 1000",
}
LOCKED = {
    "postgresql": "(SELECT state FROM limits_limiterstate WHERE credential_id = %s FOR UPDATE)",
    "sqlite": "(SELECT state FROM limits_limiterstate WHERE credential_id = %s)",
}
WRITE = "UPDATE limits_limiterstate SET state = %s WHERE credential_id = %s"


class DatabaseStore:
    def acquire(
        self, key: UUID, ask: LimiterRequest, backs: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        with reachable(), transaction.atomic():
            state, now = locked(key)
            for back in backs:
                state.release(back, now)
            answer = state.acquire(ask, now)
            # A plain refusal changes nothing that the next one would not find out too.
            if backs or answer.leases or answer.ticket or ask.ticket:
                write(key, state)
        return answer

    def release(self, key: UUID, backs: Sequence[LeaseRelease]) -> list[ReleaseResult]:
        with reachable(), transaction.atomic():
            state, now = locked(key)
            returned = [state.release(back, now) for back in backs]
            write(key, state)
        return returned

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        with reachable():
            rows = dict(LimiterState.objects.filter(pk__in=keys).values_list("pk", "state"))
            now = clock() if rows else 0
        found = [
            CredentialLimiter.unpacked(json.loads(rows[key])) if key in rows else None
            for key in keys
        ]
        return [
            state.gauge(interval, now) if state else None
            for state, interval in zip(found, intervals, strict=True)
        ]

    def draw(self, key: UUID, limit: int, most: int) -> Block:
        with reachable(), transaction.atomic():
            rows = Quota.objects.select_for_update()
            row = rows.filter(pk=key).first() or rows.get_or_create(pk=key)[0]
            # Asked for after the lock was had, so that minutes only go forward.
            minute, gone = divmod(clock(), MINUTE)
            used = row.used if row.minute == minute else 0
            rest = max(limit - used, 0)
            n = min(most, max(rest // SHARES, 1), rest)
            if n:
                Quota.objects.filter(pk=key).update(minute=minute, used=used + n)
        return Block(minute, n, rest - n, MINUTE - gone)


@contextmanager
def reachable() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise Unavailable(f"The database could not be asked: {type(error).__name__}.") from error


def locked(key: UUID) -> tuple[CredentialLimiter, int]:
    """The state, ours until the transaction ends, and the time."""
    row = select(key)
    if row is None:
        LimiterState.objects.bulk_create([LimiterState(credential_id=key)], ignore_conflicts=True)
        row = select(key)
    if row is None:
        raise Unavailable("The credential was deleted meanwhile.")
    text, now = row
    return CredentialLimiter.unpacked(json.loads(text)), now


def select(key: UUID) -> tuple[str, int] | None:
    vendor = connection.vendor
    query = f"SELECT state, {CLOCK[vendor]} FROM {LOCKED[vendor]} AS held"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(query, [stored(key)])
        row: tuple[str, int] | None = cursor.fetchone()
    return row


def write(key: UUID, state: CredentialLimiter) -> None:
    text = json.dumps(state.packed(), separators=(",", ":"))
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [text, stored(key)])


def clock() -> int:
    """The database's time in µs."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CLOCK[connection.vendor]}")
        (now,) = cursor.fetchone()
    return int(now)


def stored(key: UUID) -> Any:
    return models.UUIDField().get_db_prep_value(key, connection)
