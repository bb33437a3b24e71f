"""A Django cache that all processes share: a table of the database.

For what must count over all processes and is not asked on every request: login limits, one-time
codes already used. Django's own database cache unpickles what it finds in its table, so whoever
can write there could run code in the web process. This one stores JSON.
"""

from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db.models import Q

from sequin_admin.core import clock, pruning
from sequin_admin.core.models import CacheEntry


class SharedCache(BaseCache):
    """`CACHES` backend. Values must be JSON. It writes in the transaction of the caller, if any."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        full_key = self.make_and_validate_key(key, version=version)
        values = CacheEntry.objects.exclude(expired()).filter(pk=full_key)
        return next(iter(values.values_list("value", flat=True)), default)

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        full_key = self.make_and_validate_key(key, version=version)
        columns = {"value": value, "expires_at": self.expiry(timeout)}
        CacheEntry.objects.filter(expired(), pk=full_key).delete()
        return CacheEntry.objects.get_or_create(pk=full_key, defaults=columns)[1]

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        full_key = self.make_and_validate_key(key, version=version)
        CacheEntry.objects.bulk_create(
            [CacheEntry(key=full_key, value=value, expires_at=self.expiry(timeout))],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["value", "expires_at"],
        )

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        full_key = self.make_and_validate_key(key, version=version)
        living = CacheEntry.objects.exclude(expired()).filter(pk=full_key)
        return bool(living.update(expires_at=self.expiry(timeout)))

    def delete(self, key: Any, version: int | None = None) -> bool:
        full_key = self.make_and_validate_key(key, version=version)
        return bool(CacheEntry.objects.filter(pk=full_key).delete()[0])

    def clear(self) -> None:
        CacheEntry.objects.all().delete()

    def expiry(self, timeout: Any) -> datetime | None:
        """When an entry of now expires. None: never."""
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else clock.now() + timedelta(seconds=seconds)


def expired() -> Q:
    return Q(expires_at__lte=clock.now())


def prune() -> int:
    """Delete expired entries. Returns how many."""
    return pruning.prune(CacheEntry.objects.filter(expired()), by="expires_at")
