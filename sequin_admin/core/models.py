"""The tables of the shared cache and of the digest key."""

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
