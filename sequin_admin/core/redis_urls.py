"""The address of Redis: one server, Sentinels that know where it is, or the nodes of a Cluster.

`redis://host:6379/0`, `redis+sentinel://host:26379,host/name/0` and `redis+cluster://host,host`;
with TLS they begin with `rediss`. User and password stand before the hosts: `redis://user:pw@host`.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core.wrapping import trim

PORTS = {"": 6379, "cluster": 6379, "sentinel": 26379}
LOOKS = (
    "redis://host:6379/0, redis+sentinel://host:26379,host:26379/name or "
    "redis+cluster://host:6379,host:6379"
)


@dataclass(frozen=True)
class RedisAddress:
    """Where Redis is. `kind` is "", "sentinel" or "cluster"; `nodes` are (host, port).

    `server_url` has user, password, database and options for the library, at the first node.
    `service` is the name that Sentinels know the primary by, `sentinel_password` is for themselves.
    """

    kind: str
    nodes: tuple[tuple[str, int], ...]
    server_url: str
    service: str = ""
    sentinel_password: str = ""


def parse_redis_url(url: str, name: str = "REDIS_URL") -> RedisAddress:
    """Raises `ImproperlyConfigured` with a sentence that shows no password."""
    scheme, _, kind = url.partition("://")[0].partition("+")
    try:
        parts = urlsplit(url)
        user, _, hosts = parts.netloc.rpartition("@")
        nodes = tuple(parse_node(host, PORTS[kind]) for host in hosts.split(","))
    except (KeyError, ValueError):
        nodes = ()
    if scheme not in ("redis", "rediss") or not nodes or (len(nodes) > 1 and not kind):
        raise ImproperlyConfigured(
            f"{name} can't be read. It must look like {LOOKS}, with %-codes for signs in the "
            "password that an address does not have."
        )
    service, database = split_path(parts, kind, name)
    options = dict(parse_qsl(parts.query))
    sentinel_password = options.pop("sentinel_password", "")
    server = parts._replace(
        scheme=scheme,
        netloc=f"{user}@{hosts.split(',')[0]}" if user else hosts.split(",")[0],
        path=f"/{database}",
        query=urlencode(options),
    )
    return RedisAddress(kind, nodes, server.geturl(), service, sentinel_password)


def parse_node(text: str, port: int) -> tuple[str, int]:
    """Host and port. Raises `ValueError`."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port == 0:
        raise ValueError
    return parts.hostname, parts.port or port


def split_path(parts: SplitResult, kind: str, name: str) -> tuple[str, int]:
    """The name of Sentinel's service, and the database. Raises `ImproperlyConfigured`."""
    service, _, database = parts.path.strip("/").rpartition("/")
    if kind == "sentinel" and not service:
        service, database = database, ""
    if kind == "sentinel" and not service:
        raise ImproperlyConfigured(
            f"{name} does not say by which name Sentinel knows the primary. Put it behind the "
            "hosts, as in redis+sentinel://host:26379,host:26379/mymaster."
        )
    if not (database or "0").isdigit() or (service and kind != "sentinel"):
        raise ImproperlyConfigured(
            f"{name} must end with the number of a database, as in redis://host:6379/0."
        )
    if kind == "cluster" and int(database or 0):
        raise ImproperlyConfigured(
            f"{name} names database {database}, and a Cluster has only 0. Leave it out."
        )
    return service, int(database or 0)


def redis_url(name: str, value: str) -> str:
    """The address as it is, checked. Raises `ImproperlyConfigured`."""
    url = trim(value)
    if url and not url.startswith("unix://"):
        parse_redis_url(url, name)
    return url
