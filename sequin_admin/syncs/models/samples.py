"""How many rows a sync read, and how far behind it was, over the last days."""

from django.db import models

from sequin_admin.syncs.models.pipeline import Sync


class RunSample(models.Model):
    """What the runs of a sync reported in the five minutes that began `at`: the rows that were
    read, and the greatest lag."""

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="run_samples")
    at = models.DateTimeField()
    rows_read = models.PositiveBigIntegerField(default=0)
    lag_s = models.FloatField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("sync", "at"), name="run_sample_once"),)
        indexes = (models.Index(fields=("at",), name="run_sample_at"),)

    def __str__(self) -> str:
        return f"{self.rows_read:,} rows of {self.sync_id}"
