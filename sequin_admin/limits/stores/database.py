"""State in the database: one row for each credential, locked while it changes.

The time is the database's, read after the lock was acquired, so that only one clock matters.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from sequin_admin.limits.stores import Risk, Unavailable

# PostgreSQL runs the subquery, which waits for the lock, before it reads the clock. SQLite took its
# lock when the transaction began. Its clock has milliseconds.
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
    """A `Store` of one row for each credential."""

    def acquire(
        self, key: UUID, request: LimiterRequest, releases: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        with unavailable_on_error(), transaction.atomic():
            state, now = lock_state(key)
            for release in releases:
                state.release(release, now)
            response = state.acquire(request, now)
            # A refusal without a ticket changes nothing that has to be stored.
            if releases or response.leases or response.ticket or request.ticket:
                write_state(key, state)
        return response

    def release(self, key: UUID, releases: Sequence[LeaseRelease]) -> list[ReleaseResult]:
        with unavailable_on_error(), transaction.atomic():
            state, now = lock_state(key)
            results = [state.release(release, now) for release in releases]
            write_state(key, state)
        return results

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        with unavailable_on_error():
            rows = dict(LimiterState.objects.filter(pk__in=keys).values_list("pk", "state"))
            now = database_time() if rows else 0
        found = [
            CredentialLimiter.unpack(json.loads(rows[key])) if key in rows else None for key in keys
        ]
        return [
            state.gauge(interval, now) if state else None
            for state, interval in zip(found, intervals, strict=True)
        ]

    def forget(self, scopes: Sequence[tuple[UUID, str]]) -> None:
        LimiterState.objects.filter(pk__in=[key for key, _ in scopes]).delete()

    def risks(self) -> list[Risk]:
        """It forgets nothing."""
        return []

    def take_block(self, key: UUID, limit: int, most: int) -> Block:
        """Raises `DatabaseError`: there is no other store that could count instead."""
        with transaction.atomic():
            rows = Quota.objects.select_for_update()
            row = rows.filter(pk=key).first() or rows.get_or_create(pk=key)[0]
            # Read after the lock was acquired, so that minutes only increase.
            minute, passed = divmod(database_time(), MINUTE)
            used = row.used if row.minute == minute else 0
            remaining = max(limit - used, 0)
            n = min(most, max(remaining // SHARES, 1), remaining)
            if n:
                Quota.objects.filter(pk=key).update(minute=minute, used=used + n)
        return Block(minute, n, remaining - n, MINUTE - passed)


@contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Raises `Unavailable` for errors of the database."""
    try:
        yield
    except DatabaseError as error:
        raise Unavailable(f"The database could not be asked: {type(error).__name__}.") from error


def lock_state(key: UUID) -> tuple[CredentialLimiter, int]:
    """The state, locked until the transaction ends, and the time in µs. Creates a missing row."""
    row = select_state(key)
    if row is None:
        LimiterState.objects.bulk_create([LimiterState(credential_id=key)], ignore_conflicts=True)
        row = select_state(key)
    if row is None:
        raise Unavailable("The credential was deleted meanwhile.")
    text, now = row
    return CredentialLimiter.unpack(json.loads(text)), now


def select_state(key: UUID) -> tuple[str, int] | None:
    vendor = connection.vendor
    query = f"SELECT state, {CLOCK[vendor]} FROM {LOCKED[vendor]} AS held"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(query, [key_value(key)])
        row: tuple[str, int] | None = cursor.fetchone()
    return row


def write_state(key: UUID, state: CredentialLimiter) -> None:
    text = json.dumps(state.pack(), separators=(",", ":"))
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [text, key_value(key)])


def database_time() -> int:
    """The database's time in µs."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CLOCK[connection.vendor]}")
        (now,) = cursor.fetchone()
    return int(now)


def key_value(key: UUID) -> str | UUID:
    value: str | UUID = models.UUIDField().get_db_prep_value(key, connection)
    return value
