"""State in Redis or Valkey (from 6.2 on), changed by Lua scripts with the server's time.

Keys are hash-tagged by credential, so that they share a node of a cluster, and all expire.
"""

import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import redis

from sequin_admin.limits.requests import (
    SHARES,
    Block,
    Gauge,
    LeaseRelease,
    LimiterRequest,
    LimiterResponse,
    ReleaseResult,
)
from sequin_admin.limits.stores import Unavailable

TIMEOUT_S = 2.0
UNKNOWN, NO_CALL = -1, -2


class Script(NamedTuple):
    """A Lua script, and the digest by which Redis knows it."""

    text: str
    sha: str


def script(name: str) -> Script:
    text = Path(__file__).with_name(f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ACQUIRE, RELEASE, GAUGE, QUOTA = SCRIPTS = [
    script(name) for name in ("acquire", "release", "gauge", "quota")
]
# How many encoded commands are cached: most requests are repeated.
COMMANDS_CACHED = 10_000


class RedisStore:
    """A store with one connection per thread, as the library's pool takes longer than Redis."""

    def __init__(self, url: str) -> None:
        self.pool = redis.ConnectionPool.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        self.local = threading.local()

    def acquire(
        self, key: UUID, request: LimiterRequest, releases: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        commands = [release_command(key, release) for release in releases]
        return parse_response(self.run([*commands, acquire_command(key, request)])[-1])

    def release(self, key: UUID, releases: Sequence[LeaseRelease]) -> list[ReleaseResult]:
        got = self.run([release_command(key, release) for release in releases])
        return [ReleaseResult(int(now), live == b"1") for now, live in got]

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        commands = [
            command_head(GAUGE, key, "", 1) + encode_arguments(interval)
            for key, interval in zip(keys, intervals, strict=True)
        ]
        gauges = [Gauge(*map(int, numbers)) for numbers in self.run(commands)]
        return [gauge if gauge.granted or gauge.waiting else None for gauge in gauges]

    def take_block(self, key: UUID, limit: int, most: int) -> Block:
        command = command_head(QUOTA, key, "", 3) + encode_arguments(limit, most, SHARES)
        (numbers,) = self.run([command])
        return Block(*map(int, numbers))

    def run(self, commands: Sequence[bytes]) -> list[list[bytes]]:
        """Run scripts in one round trip, and split each reply at spaces. Loads missing scripts.

        Raises `Unavailable`.
        """
        try:
            try:
                got = self.send(commands)
            except redis.ConnectionError:
                # It was closed since its last use. Sending again is safe: permits whose reply was
                # lost end with their lease.
                got = self.send(commands)
            if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in got):
                load = [encode_arguments("SCRIPT", "LOAD", each.text) for each in SCRIPTS]
                self.send([b"*3\r\n" + arguments for arguments in load])
                got = self.send(commands)
        except redis.RedisError as error:
            raise Unavailable(f"Redis could not be asked: {type(error).__name__}.") from error
        for answer in got:
            if isinstance(answer, Exception):
                raise Unavailable(f"Redis could not decide: {type(answer).__name__}.") from answer
        return [answer.split() for answer in got]

    def send(self, commands: Sequence[bytes]) -> list[Any]:
        connection = self.connection()
        try:
            connection.send_packed_command([b"".join(commands)])
            return [read_response(connection) for _ in commands]
        except BaseException:
            # Late replies must not be taken for those of the next command.
            connection.disconnect()
            raise

    def connection(self) -> Any:
        """The connection of this thread and process: a child must not use its parent's."""
        if getattr(self.local, "pid", None) != os.getpid():
            # Not from the pool, which counts connections of threads that have ended.
            made = self.pool.connection_class(**self.pool.connection_kwargs)
            self.local.connection, self.local.pid = made, os.getpid()
        return self.local.connection


def encode_arguments(*parts: object) -> bytes:
    """Encode arguments: https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    texts = [str(part).encode() for part in parts]
    return b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])


@lru_cache(COMMANDS_CACHED)
def command_head(script: Script, key: UUID, scope: str, arguments: int) -> bytes:
    """The command that runs a script, encoded up to its arguments."""
    if script is QUOTA:
        keys = [f"requests:{{{key.hex}}}"]
    else:
        keys = keys_of(key, scope, line=script is not RELEASE)
    parts = ("EVALSHA", script.sha, len(keys), *keys)
    return b"*%d\r\n" % (len(parts) + arguments) + encode_arguments(*parts)


def read_response(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def keys_of(key: UUID, scope: str = "", *, line: bool = True) -> list[str]:
    """The keys of a credential, in the order of the scripts' KEYS."""
    meta = f"permits:{{{key.hex}}}"
    keys = [meta, f"{meta}:starts", f"{meta}:leases", *([f"{meta}:line"] if line else [])]
    return keys + ([f"{meta}:starts:{scope}", f"{meta}:leases:{scope}"] if scope else [])


@lru_cache(COMMANDS_CACHED)
def acquire_command(key: UUID, request: LimiterRequest) -> bytes:
    scope = request.scope if request.narrower else ""
    limit = request.limit
    args: list[object] = [limit.allowed, limit.interval, limit.at_once, request.n, request.priority]
    args += [request.wait, request.lease, request.within, request.ticket, scope]
    if request.narrower:
        args += [request.narrower.allowed, request.narrower.interval, request.narrower.at_once]
    return command_head(ACQUIRE, key, scope, len(args)) + encode_arguments(*args)


def release_command(key: UUID, release: LeaseRelease) -> bytes:
    start, within, scope = release.parse_lease()
    used = UNKNOWN if release.used is None else release.used
    args: list[object] = [release.lease, release.lease.partition(".")[0], start, within]
    args += [NO_CALL if release.unused else used]
    args += [UNKNOWN if value is None else value for value in (release.pause, release.left)]
    args += [release.resets]
    return command_head(RELEASE, key, scope, len(args)) + encode_arguments(*args)


def parse_response(words: list[bytes]) -> LimiterResponse:
    now, starts_in, retry_in, ticket, *leases = (word.decode() for word in words)
    given = "" if ticket == "-" else ticket
    return LimiterResponse(int(now), tuple(leases), int(starts_in), int(retry_in), given)
