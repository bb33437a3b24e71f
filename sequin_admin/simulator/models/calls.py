"""Faults that are on, and the calls that were answered and counted."""

from datetime import datetime

from django.db import models

from sequin_admin.core.prepared import ColumnQuery, PreparedColumns
from sequin_admin.simulator.models.accounts import SimulatedAccount
from sequin_admin.simulator.models.clock import now
from sequin_admin.simulator.models.memory import execute, remembered, sql_time

KEPT_CALLS = 10_000


class Fault(models.Model):
    """An active fault of one account or of the whole provider (account NULL).

    `times` counts down; NULL lasts until it is cleared. `data` holds the chaos settings.
    """

    provider = models.CharField(max_length=40)
    account = models.ForeignKey(SimulatedAccount, models.CASCADE, null=True, related_name="faults")
    name = models.CharField(max_length=40)
    times = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)

    @classmethod
    def is_any(cls, provider: str) -> bool:
        """Whether a fault of the provider or of one of its accounts is on."""
        return remembered(("faults", provider), lambda: bool(FAULTS.fetch(provider=provider)))


FAULTS = PreparedColumns(
    lambda provider: ColumnQuery(Fault.objects.filter(provider=provider).values_list("pk")[:1]),
    {"provider": (models.CharField(), "a provider")},
)


class SimulatedCall(models.Model):
    """One answered call, for tests and the control page. The last 10,000 are kept."""

    provider = models.CharField(max_length=40)
    account = models.CharField(max_length=100, blank=True, default="")
    endpoint = models.CharField(max_length=200)
    status = models.PositiveIntegerField()
    at = models.DateTimeField(default=now)

    @classmethod
    def record(cls, provider: str, account: str, endpoint: str, status: int) -> None:
        """Write into the journal; at every hundredth call the oldest leave it."""
        call = execute(
            RECORD_CALL, (provider, account, endpoint, status, sql_time(now())), counted=False
        ).lastrowid
        if call and call % 100 == 0:
            execute(FORGET_CALLS, (call - KEPT_CALLS,), counted=False)


class Hit(models.Model):
    """One counted call against a provider's published limit."""

    key = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("key", "at"), name="hit_by_time"),)

    @classmethod
    def count(cls, key: str, since: datetime) -> int:
        """How many there are of a key after a moment."""
        counted = remembered(("hits", key), lambda: CountedHits(key))
        return counted.count(sql_time(since))

    @classmethod
    def record(cls, key: str, at: datetime, since: datetime) -> None:
        """Count one; at every fiftieth hit those before `since` are deleted."""
        hit = execute(RECORD_HIT, (key, sql_time(at)), counted=False).lastrowid
        remembered(("hits", key), lambda: CountedHits(key)).add(sql_time(at))
        if hit and hit % 50 == 0:
            execute(FORGET_HITS, (key, sql_time(since)), counted=False)


class CountedHits:
    """The hits of a key after a moment, which goes on: those that it passes are subtracted."""

    def __init__(self, key: str) -> None:
        self.key, self.since, self.counted = key, "", 0

    def count(self, since: str) -> int:
        if self.since and since >= self.since:
            if since > self.since:
                passed = (self.key, self.since, since)
                self.counted -= execute(COUNT_PASSED, passed).fetchone()[0]
        else:
            self.counted = execute(COUNT_HITS, (self.key, since)).fetchone()[0]
        self.since = since
        return self.counted

    def add(self, at: str) -> None:
        if self.since and at > self.since:
            self.counted += 1


class PointBucket(models.Model):
    """The points that a caller had left after its last call: they come back with time."""

    key = models.CharField(max_length=200, unique=True)
    points = models.FloatField()
    at = models.DateTimeField()

    @classmethod
    def find(cls, key: str) -> tuple[float, datetime] | None:
        """The points of a caller, and when it had them; None before its first call."""
        rows = BUCKET.fetch(key=key)
        return (rows[0][0], rows[0][1]) if rows else None

    @classmethod
    def store(cls, key: str, points: float, at: datetime) -> None:
        statement = (
            f"INSERT INTO {cls._meta.db_table} (key, points, at) VALUES (?, ?, ?)"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET points = excluded.points, at = excluded.at"
        )
        execute(statement, (key, points, sql_time(at)), counted=False)


BUCKET = PreparedColumns(
    lambda key: ColumnQuery(PointBucket.objects.filter(key=key).values_list("points", "at")),
    {"key": (models.CharField(), "a key")},
)


# Each call is counted and written down: in statements that are not composed anew.
RECORD_CALL = (
    f"INSERT INTO {SimulatedCall._meta.db_table} (provider, account, endpoint, status, at)"  # noqa: S608
    " VALUES (?, ?, ?, ?, ?)"
)
FORGET_CALLS = f"DELETE FROM {SimulatedCall._meta.db_table} WHERE id <= ?"  # noqa: S608
HITS = Hit._meta.db_table
RECORD_HIT = f"INSERT INTO {HITS} (key, at) VALUES (?, ?)"  # noqa: S608
FORGET_HITS = f"DELETE FROM {HITS} WHERE key = ? AND at <= ?"  # noqa: S608
COUNT_HITS = f"SELECT COUNT(*) FROM {HITS} WHERE key = ? AND at > ?"  # noqa: S608
COUNT_PASSED = f"SELECT COUNT(*) FROM {HITS} WHERE key = ? AND at > ? AND at <= ?"  # noqa: S608
