"""What was written over the API: the differences from the rows that are computed."""

from django.db import models

from sequin_admin.core.prepared import ColumnQuery, PreparedColumns
from sequin_admin.simulator.models.accounts import SimulatedAccount
from sequin_admin.simulator.models.memory import remembered

# Numbers of rows that were created over the API, far above those of the log.
FIRST_WRITTEN = 10**12


class RowWrite(models.Model):
    """One call that created, updated or deleted (`kind`) a row. `fields` are those it gave."""

    account = models.ForeignKey(SimulatedAccount, models.CASCADE, related_name="row_writes")
    collection = models.CharField(max_length=100)
    number = models.BigIntegerField()
    at_ms = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    fields = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("account", "collection", "number"), name="write_of_row"),
            models.Index(fields=("account", "collection", "at_ms"), name="write_by_time"),
        )

    @classmethod
    def is_any(cls, account: SimulatedAccount, collection: str) -> bool:
        """Whether anything was ever written into the collection."""
        return remembered(
            ("writes", account.pk, collection),
            lambda: bool(WRITES.fetch(account=account.pk, collection=collection)),
        )


WRITES = PreparedColumns(
    lambda account, collection: ColumnQuery(
        RowWrite.objects.filter(account=account, collection=collection).values_list("pk")[:1]
    ),
    {
        "account": (models.BigIntegerField(), 987_654_321),
        "collection": (models.CharField(), "a collection"),
    },
)
