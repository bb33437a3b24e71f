"""Faults that are on, and the calls that were answered and counted."""

from datetime import datetime

from django.db import connection, models

from sequin_admin.core.prepared import ColumnQuery, PreparedColumns
from sequin_admin.simulator.models.accounts import SimulatedAccount
from sequin_admin.simulator.models.clock import now

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
        return bool(FAULTS.fetch(provider=provider))


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
        columns = "provider, account, endpoint, status, at"
        call = insert_row(cls, columns, (provider, account, endpoint, status, sql_time(now())))
        if call % 100 == 0:
            cls.objects.filter(pk__lte=call - KEPT_CALLS).delete()


class Hit(models.Model):
    """One counted call against a provider's published limit."""

    key = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("key", "at"), name="hit_by_time"),)

    @classmethod
    def count(cls, key: str, since: datetime) -> int:
        """How many there are of a key after a moment."""
        with connection.cursor() as cursor:
            statement = f"SELECT COUNT(*) FROM {cls._meta.db_table} WHERE key = %s AND at > %s"  # noqa: S608
            cursor.execute(statement, (key, sql_time(since)))
            return int(cursor.fetchone()[0])

    @classmethod
    def record(cls, key: str, at: datetime, since: datetime) -> None:
        """Count one; at every fiftieth hit those before `since` are deleted."""
        if insert_row(cls, "key, at", (key, sql_time(at))) % 50 == 0:
            cls.objects.filter(key=key, at__lte=since).delete()


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
            f"INSERT INTO {cls._meta.db_table} (key, points, at) VALUES (%s, %s, %s)"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET points = excluded.points, at = excluded.at"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, (key, points, sql_time(at)))


BUCKET = PreparedColumns(
    lambda key: ColumnQuery(PointBucket.objects.filter(key=key).values_list("points", "at")),
    {"key": (models.CharField(), "a key")},
)


# Each call is counted and written down: in statements that are not composed anew.
def insert_row(model: type[models.Model], columns: str, values: tuple[str | int, ...]) -> int:
    """The key of a new row."""
    places = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({places})"  # noqa: S608
        cursor.execute(statement, values)
        return int(cursor.lastrowid)


def sql_time(at: datetime) -> str:
    return str(connection.ops.adapt_datetimefield_value(at))
