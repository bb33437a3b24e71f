"""The tables of the shared cache, of the digest key and of the metrics."""

from django.db import models

from sequin_admin.core.fields import EncryptedJSONField


class CacheEntry(models.Model):
    """One value of `core.shared_cache`."""

    key = models.CharField(max_length=300, primary_key=True)
    value = models.JSONField()
    expires_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        verbose_name_plural = "cache entries"

    def __str__(self) -> str:
        return self.key


class DigestKey(models.Model):
    """The key of `core.digests`, in one row."""

    secrets = EncryptedJSONField(scope="digest_key", bind=("id",))

    def __str__(self) -> str:
        return "digest key"


class MetricSum(models.Model):
    """One sample of `core.metrics`, summed over all processes. `labels` is JSON."""

    name = models.CharField(max_length=100)
    labels = models.CharField(max_length=300)
    value = models.FloatField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("name", "labels"), name="metric_once"),)

    def __str__(self) -> str:
        return f"{self.name} {self.labels}"
