"""The state in Redis or Valkey (from 6.2 on): one script decides, with the server's own time.

Keys are hash-tagged by credential, so that they stay together in a cluster, and all expire.
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
NOT_SAID, NO_CALL = -1, -2


class Script(NamedTuple):
    text: str
    sha: str


def script(name: str) -> Script:
    text = Path(__file__).with_name(f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ACQUIRE, GIVE_BACK, GAUGE, QUOTA = SCRIPTS = [
    script(name) for name in ("acquire", "release", "gauge", "quota")
]
# Credentials whose commands are kept ready: most ask for the same thing again and again.
READY = 10_000


class RedisStore:
    """Talks over one connection for each thread: the library's pool takes longer than Redis."""

    def __init__(self, url: str) -> None:
        self.pool = redis.ConnectionPool.from_url(
            url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        )
        self.own = threading.local()

    def acquire(
        self, key: UUID, ask: LimiterRequest, backs: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        return answered(self.run([*(giving(key, back) for back in backs), asking(key, ask)])[-1])

    def release(self, key: UUID, backs: Sequence[LeaseRelease]) -> list[ReleaseResult]:
        got = self.run([giving(key, back) for back in backs])
        return [ReleaseResult(int(now), live == b"1") for now, live in got]

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        asked = zip(keys, intervals, strict=True)
        got = self.run([opening(GAUGE, key, "", 1) + words(interval) for key, interval in asked])
        gauges = [Gauge(*map(int, numbers)) for numbers in got]
        return [gauge if gauge.granted or gauge.waiting else None for gauge in gauges]

    def draw(self, key: UUID, limit: int, most: int) -> Block:
        (numbers,) = self.run([opening(QUOTA, key, "", 3) + words(limit, most, SHARES)])
        return Block(*map(int, numbers))

    def run(self, commands: Sequence[bytes]) -> list[list[bytes]]:
        """The words of each script's answer, in one trip. An unknown script is taught first."""
        try:
            try:
                got = self.send(commands)
            except redis.ConnectionError:
                # It was closed since its last use. What was asked may be asked again: permits
                # whose answer got lost end with their lease.
                got = self.send(commands)
            if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in got):
                self.send([b"*3\r\n" + words("SCRIPT", "LOAD", each.text) for each in SCRIPTS])
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
            return [read(connection) for _ in commands]
        except BaseException:
            # Whatever is still on its way must not be taken for the next answer.
            connection.disconnect()
            raise

    def connection(self) -> Any:
        """This thread's own, and this process's: a child does not speak over its parent's."""
        if getattr(self.own, "pid", None) != os.getpid():
            # Not the pool's own way, which counts those of threads that are long gone.
            made = self.pool.connection_class(**self.pool.connection_kwargs)
            self.own.connection, self.own.pid = made, os.getpid()
        return self.own.connection


def words(*parts: Any) -> bytes:
    """Parts of a command: https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    texts = [str(part).encode() for part in parts]
    return b"".join([b"$%d\r\n%b\r\n" % (len(text), text) for text in texts])


@lru_cache(READY)
def opening(how: Script, key: UUID, scope: str, arguments: int) -> bytes:
    """The command that runs a script, up to its arguments."""
    if how is QUOTA:
        kept = [f"requests:{{{key.hex}}}"]
    else:
        kept = names(key, scope, line=how is not GIVE_BACK)
    parts = ("EVALSHA", how.sha, len(kept), *kept)
    return b"*%d\r\n" % (len(parts) + arguments) + words(*parts)


def read(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def names(key: UUID, scope: str = "", *, line: bool = True) -> list[str]:
    """The keys of a credential, in the order in which the scripts take them."""
    own = f"permits:{{{key.hex}}}"
    kept = [own, f"{own}:starts", f"{own}:leases", *([f"{own}:line"] if line else [])]
    return kept + ([f"{own}:starts:{scope}", f"{own}:leases:{scope}"] if scope else [])


@lru_cache(READY)
def asking(key: UUID, ask: LimiterRequest) -> bytes:
    scope = ask.scope if ask.narrower else ""
    own = ask.limit
    args: list[Any] = [own.allowed, own.interval, own.at_once, ask.n, ask.priority]
    args += [ask.wait, ask.lease, ask.within, ask.ticket, scope]
    if ask.narrower:
        args += [ask.narrower.allowed, ask.narrower.interval, ask.narrower.at_once]
    return opening(ACQUIRE, key, scope, len(args)) + words(*args)


def giving(key: UUID, back: LeaseRelease) -> bytes:
    start, within, scope = back.parts()
    used = NOT_SAID if back.used is None else back.used
    args: list[Any] = [back.lease, back.lease.partition(".")[0], start, within]
    args += [NO_CALL if back.unused else used]
    args += [NOT_SAID if value is None else value for value in (back.pause, back.left)]
    args += [back.resets]
    return opening(GIVE_BACK, key, scope, len(args)) + words(*args)


def answered(words: list[bytes]) -> LimiterResponse:
    now, starts_in, opens_in, ticket, *leases = (word.decode() for word in words)
    given = "" if ticket == "-" else ticket
    return LimiterResponse(int(now), tuple(leases), int(starts_in), int(opens_in), given)
