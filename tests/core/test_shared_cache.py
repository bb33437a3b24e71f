"""The cache in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache, caches
from django.db import connection

from sequin_admin.core import clock, shared_cache
from sequin_admin.core.models import CacheEntry


def test_values_are_stored_and_replaced(db):
    cache.set("k", [1.5, 2.25])
    cache.set("k", [3.125])

    assert (cache.get("k"), cache.get("other", "none")) == ([3.125], "none")
    assert (cache.delete("k"), cache.delete("k")) == (True, False)


def test_values_expire(db, monkeypatch):
    cache.set("short", 1, 10)
    cache.set("touched", 1, 10)
    cache.touch("touched", 60)
    cache.set("forever", 1, None)
    later = clock.now() + timedelta(seconds=11)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert cache.get_many(["short", "touched", "forever"]) == {"touched": 1, "forever": 1}
    assert not cache.touch("short")
    assert (shared_cache.prune(), CacheEntry.objects.count()) == (1, 2)


def test_an_expired_value_does_not_keep_another_from_being_added(db, monkeypatch):
    assert cache.add("k", 1, 10)
    assert not cache.add("k", 2, 10)
    later = clock.now() + timedelta(seconds=11)
    monkeypatch.setattr(clock, "now", lambda: later)

    assert cache.add("k", 3, 10)
    assert cache.get("k") == 3


@pytest.mark.django_db(transaction=True)
def test_of_many_that_add_at_once_one_succeeds():
    def add(number):
        try:
            return cache.add("once", number)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(40)))

    assert added.count(True) == 1


def test_nothing_but_json_is_stored(db):
    with pytest.raises(TypeError):
        cache.set("k", object())


def test_hot_paths_have_a_cache_without_queries(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        caches["local"].set("k", 1)
        assert caches["local"].get("k") == 1
