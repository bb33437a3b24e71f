"""How commands get to Redis and answers back: one server, behind Sentinels, or a Cluster."""

import os
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection, ConnectionPool, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from sequin_admin.core.redis_urls import RedisAddress, parse_redis_url

TIMEOUT_S = 2.0
TIMEOUTS = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
# How often a command that met a moving slot or a lost node is sent once more.
CLUSTER_RETRIES = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 3)
# What a node answers when it does not have a slot, or not now.
ELSEWHERE = (
    redis.exceptions.MovedError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
)
# In EVALSHA, digest, number of keys, keys...
FIRST_KEY = 3


class Link(Protocol):
    """Sends encoded commands. All may raise `redis.RedisError`."""

    def send(self, commands: Sequence[bytes]) -> list[object]:
        """The answers in their order, an error of a command among them."""

    def load(self, scripts: Sequence[str]) -> None:
        """Load scripts, on all nodes."""

    def servers(self) -> list[redis.Redis]:
        """A client of each primary."""


def link_to(url: str) -> Link:
    if url.startswith("unix://"):
        return ServerLink(ConnectionPool.from_url(url, **TIMEOUTS))
    address = parse_redis_url(url)
    if address.kind == "cluster":
        return ClusterLink(address)
    if address.kind == "sentinel":
        return ServerLink(sentinel_pool(address))
    return ServerLink(ConnectionPool.from_url(address.server_url, **TIMEOUTS))


def sentinel_pool(address: RedisAddress) -> ConnectionPool:
    """Connections that ask the Sentinels where the primary is: with TLS where it speaks TLS."""
    own = {"password": address.sentinel_password or None, "retry": Retry(NoBackoff(), 0)}
    options = server_options(address)
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    sentinel = Sentinel(address.nodes, sentinel_kwargs={**own, **TIMEOUTS, **tls})
    return SentinelConnectionPool(address.service, sentinel, **options)


def server_options(address: RedisAddress) -> dict[str, Any]:
    """What the URL says of the servers, but for where they are."""
    options = {**parse_url(address.server_url), **TIMEOUTS}
    with_tls = "connection_class" in options
    for name in ("host", "port", "connection_class"):
        options.pop(name, None)
    return {**options, "ssl": True} if with_tls else options


class ServerLink:
    """One connection per thread, as the library's pool takes longer than Redis."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool
        self.local = threading.local()

    def send(self, commands: Sequence[bytes]) -> list[object]:
        try:
            return self.send_once(commands)
        except redis.ConnectionError:
            # It was closed since its last use. Sending again is safe: permits whose reply was lost
            # end with their lease.
            return self.send_once(commands)

    def send_once(self, commands: Sequence[bytes]) -> list[object]:
        connection = self.connection()
        try:
            if not connection.is_connected:
                connection.connect()
            connection.send_packed_command([b"".join(commands)])
            return [read_response(connection) for _ in commands]
        except BaseException:
            # Late replies must not be taken for those of the next command.
            connection.disconnect()
            raise

    def load(self, scripts: Sequence[str]) -> None:
        self.send([b"*3\r\n" + encode_arguments("SCRIPT", "LOAD", text) for text in scripts])

    def servers(self) -> list[redis.Redis]:
        return [redis.Redis(connection_pool=self.pool)]

    def connection(self) -> Connection:
        """The connection of this thread and process: a child must not use its parent's."""
        if getattr(self.local, "pid", None) != os.getpid():
            # Not from the pool, which counts connections of threads that have ended.
            made = self.pool.connection_class(**self.pool.connection_kwargs)
            self.local.connection, self.local.pid = made, os.getpid()
        known: Connection = self.local.connection
        return known


class ClusterLink:
    """Sends to the nodes that have the slots; the library's client follows what has moved.

    That client asks for the slots when it is made, so it is made when it is first needed. Its own
    pipelines ask a node for the keys of each script.
    """

    def __init__(self, address: RedisAddress) -> None:
        self.address, self.lock = address, threading.Lock()
        self.made: RedisCluster | None = None
        self.nodes: dict[str, ServerLink] = {}

    def send(self, commands: Sequence[bytes]) -> list[object]:
        by_node: dict[str, list[int]] = {}
        for number, command in enumerate(commands):
            by_node.setdefault(self.node_of(command), []).append(number)
        answers: dict[int, object] = {}
        for name, numbers in by_node.items():
            answers.update(
                zip(numbers, self.ask(name, [commands[n] for n in numbers]), strict=True)
            )
        return [answers[number] for number in range(len(commands))]

    def ask(self, name: str, commands: list[bytes]) -> list[object]:
        """The answers of a node to commands, and of others to what it does not have any more."""
        try:
            answers = self.nodes[name].send(commands)
        except (redis.ConnectionError, redis.TimeoutError):
            return [self.follow(command) for command in commands]
        return [
            self.follow(command) if isinstance(answer, ELSEWHERE) else answer
            for command, answer in zip(commands, answers, strict=True)
        ]

    def follow(self, command: bytes) -> object:
        """The answer from wherever it is now. Raises `redis.RedisError` if it is nowhere."""
        _, *arguments = decode_arguments(command)
        try:
            answer: object = self.cluster().execute_command("EVALSHA", *arguments)
        except redis.exceptions.NoScriptError as error:
            return error
        return answer

    def node_of(self, command: bytes) -> str:
        """The name of the node that has the slot of a script's first key."""
        cluster = self.cluster()
        slot = cluster.keyslot(decode_arguments(command)[FIRST_KEY])
        node = cluster.nodes_manager.get_node_from_slot(slot)
        if node.name not in self.nodes:
            pool = cluster.get_redis_connection(node).connection_pool
            self.nodes[node.name] = ServerLink(pool)
        return str(node.name)

    def load(self, scripts: Sequence[str]) -> None:
        for text in scripts:
            self.cluster().script_load(text)

    def servers(self) -> list[redis.Redis]:
        cluster = self.cluster()
        return [cluster.get_redis_connection(node) for node in cluster.get_primaries()]

    def cluster(self) -> RedisCluster:
        with self.lock:
            if self.made is None:
                options = {**server_options(self.address), "require_full_coverage": False}
                options.pop("db", None)  # a Cluster has only one
                nodes = [ClusterNode(host, port) for host, port in self.address.nodes]
                self.made = RedisCluster(startup_nodes=nodes, retry=CLUSTER_RETRIES, **options)
            return self.made


def encode_arguments(*parts: object) -> bytes:
    """Encode arguments: https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    texts = [str(part).encode() for part in parts]
    return b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])


def decode_arguments(command: bytes) -> list[bytes]:
    """The arguments of an encoded command, none of which has a line break."""
    return command.split(b"\r\n")[2::2]


def read_response(connection: Connection) -> object:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
