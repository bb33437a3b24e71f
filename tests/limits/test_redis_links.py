"""How Redis is reached."""

from redis.connection import Connection, SSLConnection

from sequin_admin.core.redis_urls import parse_redis_url
from sequin_admin.limits.stores.redis_links import sentinel_pool


def test_sentinels_are_asked_with_tls_where_the_servers_are():
    """Else their password, and the way to the primary, would go in the clear."""
    for scheme, kind in (("rediss", SSLConnection), ("redis", Connection)):
        options = "?sentinel_password=s" + ("&ssl_ca_certs=ca.pem" if scheme == "rediss" else "")
        pool = sentinel_pool(parse_redis_url(f"{scheme}+sentinel://one,two/main{options}"))

        for sentinel in pool.sentinel_manager.sentinels:
            asked = sentinel.connection_pool
            assert asked.connection_class is kind
            assert asked.connection_kwargs["password"] == "s"
            trusted = asked.connection_kwargs.get("ssl_ca_certs")
            assert trusted == ("ca.pem" if kind is SSLConnection else None)
