"""What `REDIS_URL` may say."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core import connections
from sequin_admin.core.redis_urls import parse_redis_url, redis_url


@pytest.mark.parametrize(
    ("url", "kind", "nodes", "server_url"),
    [
        ("redis://cache", "", [("cache", 6379)], "redis://cache/0"),
        (
            "rediss://me:p%40ss@cache:6380/3?health_check_interval=2",
            "",
            [("cache", 6380)],
            "rediss://me:p%40ss@cache:6380/3?health_check_interval=2",
        ),
        (
            "redis+cluster://:pw@a:7000,b,[::1]:7002",
            "cluster",
            [("a", 7000), ("b", 6379), ("::1", 7002)],
            "redis://:pw@a:7000/0",
        ),
    ],
)
def test_a_server_and_a_cluster(url, kind, nodes, server_url):
    address = parse_redis_url(url)

    assert (address.kind, list(address.nodes)) == (kind, nodes)
    assert address.server_url == server_url


def test_sentinels_and_the_name_of_what_they_watch():
    address = parse_redis_url("rediss+sentinel://u:p@a:1,b/main/2?sentinel_password=s%26")

    assert address.nodes == (("a", 1), ("b", 26379))
    assert (address.service, address.sentinel_password) == ("main", "s&")
    assert address.server_url == "rediss://u:p@a:1/2"
    assert parse_redis_url("redis+sentinel://a/main").server_url == "redis://a/0"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("cache:6379", "must look like redis://host:6379/0"),
        ("http://:topsecret@cache", "must look like"),
        ("redis://", "must look like"),
        ("redis://:topsecret@a,b", "must look like"),
        ("redis+nodes://a,b", "must look like"),
        ("redis+cluster://:topsecret@a:seven,b", "must look like"),
        ("redis+cluster://a,,b", "must look like"),
        ("redis+sentinel://:topsecret@a,b", "by which name Sentinel knows the primary"),
        ("redis+cluster://:topsecret@a,b/1", "a Cluster has only 0"),
        ("redis://:topsecret@a/main", "must end with the number of a database"),
    ],
)
def test_what_can_not_be_is_refused_with_a_sentence(url, sentence):
    with pytest.raises(ImproperlyConfigured, match=sentence) as refused:
        redis_url("REDIS_URL", url)

    assert "topsecret" not in str(refused.value)
    assert "REDIS_URL" in str(refused.value)


@pytest.mark.parametrize("url", ["", " redis://cache \n", "unix:///run/redis.sock"])
def test_what_can_be_is_taken(url):
    assert redis_url("REDIS_URL", url) == url.strip()


def test_every_node_is_a_service_of_our_own(settings):
    settings.REDIS_URL = "redis+cluster://a.internal:7000,b.internal"

    own = connections.own_services()

    assert {("a.internal", 7000), ("b.internal", 6379)} <= {*own}
