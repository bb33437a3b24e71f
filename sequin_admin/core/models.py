"""The table of the shared cache."""

from django.db import models


class CacheEntry(models.Model):
    """One value of `core.shared_cache`."""

    key = models.CharField(max_length=300, primary_key=True)
    value = models.JSONField()
    expires_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        verbose_name_plural = "cache entries"

    def __str__(self) -> str:
        return self.key
