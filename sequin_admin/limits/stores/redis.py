"""State in Redis or Valkey (from 6.2 on), changed by Lua scripts with the server's time.

The keys of a credential share a hash tag, so that they share a slot of a Cluster, and all expire.
There are `PARTS` tags. The marker of each part says since when its content is known: one that is
missing tells that the store has started empty, and wanders with its slot from node to node.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import redis

from sequin_admin.core import tracing
from sequin_admin.limits.recorded import recorded_starts
from sequin_admin.limits.requests import (
    SHARES,
    Block,
    Gauge,
    LeaseRelease,
    LimiterRequest,
    LimiterResponse,
    ReleaseResult,
)
from sequin_admin.limits.stores import Risk, Unavailable
from sequin_admin.limits.stores.redis_links import encode_arguments, link_to
from sequin_admin.limits.stores.redis_risks import RiskWatch, read_settings
from sequin_admin.limits.window import Limit

UNKNOWN, NO_CALL = -1, -2
PARTS = 1024
# Answers of acquire.lua that decide nothing, and its remark on a refusal.
EMPTY, UNRECORDED, QUIET = b"empty", b"unrecorded", "quiet"
# The marker, and what was recorded of two windows; more only if the store is emptied meanwhile.
MOST_TRIES = 6


class Script(NamedTuple):
    """A Lua script, and the digest by which Redis knows it."""

    text: str
    sha: str


def script(name: str) -> Script:
    text = Path(__file__).with_name(f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ACQUIRE, RELEASE, GAUGE, QUOTA, MARK, RECORD, FORGET = SCRIPTS = [
    script(name) for name in ("acquire", "release", "gauge", "quota", "mark", "record", "forget")
]
# How many encoded commands are cached: most requests are repeated.
COMMANDS_CACHED = 10_000


class RedisStore:
    """A store at a server, behind Sentinels, or on the nodes of a Cluster."""

    def __init__(self, url: str) -> None:
        self.link = link_to(url)
        self.watch = RiskWatch(self.read_settings)

    def acquire(
        self, key: UUID, request: LimiterRequest, releases: Sequence[LeaseRelease] = ()
    ) -> LimiterResponse:
        """Release and acquire in one round trip; in a few after an empty start.

        Raises `Unavailable`.
        """
        self.watch.refuse()
        commands = [release_command(key, release) for release in releases]
        asked = acquire_command(key, request)
        words = self.run([*commands, asked])[-1]
        for _ in range(MOST_TRIES):
            if words[0] == EMPTY:
                self.mark_parts()
            elif words[0] == UNRECORDED:
                self.record(key, request, int(words[1]), int(words[2]))
            else:
                return parse_response(words)
            (words,) = self.run([asked])
        raise Unavailable("Redis forgot what it was told just before.")

    def read_settings(self) -> list[dict[str, str]]:
        with unavailable_on_error():
            return [read_settings(server) for server in self.link.servers()]

    def risks(self) -> list[Risk]:
        return self.watch.risks()

    def mark_parts(self) -> None:
        """Mark all parts without a marker, as all of a node are lost together."""
        self.run([mark_command(part) for part in range(PARTS)])

    def record(self, key: UUID, request: LimiterRequest, window: int, known_for: int) -> None:
        """Add what was used before the store started empty, `known_for` µs ago, to a window."""
        scope, limit = list(request.limits().items())[window - 1]
        self.run([record_command(key, scope, limit, recorded_starts(key, limit, known_for))])

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

    def forget(self, scopes: Sequence[tuple[UUID, str]]) -> None:
        self.run([command_start(FORGET, keys_of(key, scope), 0) for key, scope in scopes])

    def run(self, commands: Sequence[bytes]) -> list[list[bytes]]:
        """Run scripts in one round trip, and split each reply at spaces. Loads missing scripts.

        Raises `Unavailable`.
        """
        attributes: tracing.Attributes = {
            "db.system.name": "redis",
            "db.operation.batch.size": len(commands),
        }
        with unavailable_on_error(), tracing.child("EVALSHA", "client", attributes):
            got = self.link.send(commands)
            if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in got):
                self.link.load([each.text for each in SCRIPTS])
                got = self.link.send(commands)
        words = []
        for answer in got:
            if not isinstance(answer, bytes):
                raise Unavailable(f"Redis could not decide: {type(answer).__name__}.")
            words.append(answer.split())
        return words


@contextmanager
def unavailable_on_error() -> Iterator[None]:
    """Raises `Unavailable` for errors of Redis."""
    try:
        yield
    except (redis.RedisError, redis.exceptions.RedisClusterException) as error:
        raise Unavailable(f"Redis could not be asked: {type(error).__name__}.") from error


@lru_cache(COMMANDS_CACHED)
def command_head(script: Script, key: UUID, scope: str, arguments: int) -> bytes:
    """The command that runs a script, encoded up to its arguments."""
    if script is QUOTA:
        return command_start(script, [f"requests:{{{key.hex}}}"], arguments)
    keys = keys_of(key, scope, line=script is not RELEASE)
    if script is ACQUIRE:
        keys.append(marker_of(tag_of(key)))
    return command_start(script, keys, arguments)


def command_start(script: Script, keys: Sequence[str], arguments: int) -> bytes:
    parts = ("EVALSHA", script.sha, len(keys), *keys)
    return b"*%d\r\n" % (len(parts) + arguments) + encode_arguments(*parts)


def mark_command(part: int) -> bytes:
    return command_start(MARK, [marker_of(f"{{{part}}}")], 0)


def record_command(key: UUID, scope: str, limit: Limit, starts: Sequence[tuple[str, int]]) -> bytes:
    """`starts` are names and ages in µs, one for each block of permits."""
    meta, first, *_ = keys_of(key)
    keys = [meta, f"{first}:{scope}" if scope else first, marker_of(tag_of(key))]
    args = [f"recorded:{scope}" if scope else "recorded", limit.interval]
    args += [part for start in starts for part in start]
    return command_start(RECORD, keys, len(args)) + encode_arguments(*args)


def tag_of(key: UUID) -> str:
    """The part of the store that a credential is in, as a hash tag."""
    return f"{{{key.int % PARTS}}}"


def marker_of(tag: str) -> str:
    return f"permits:{tag}:since"


def keys_of(key: UUID, scope: str = "", *, line: bool = True) -> list[str]:
    """The keys of a credential, in the order of the scripts' KEYS."""
    meta = f"permits:{tag_of(key)}:{key.hex}"
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
    if quiet := leases == [QUIET]:
        leases = []
    return LimiterResponse(int(now), tuple(leases), int(starts_in), int(retry_in), given, quiet)
