"""The state in Redis or Valkey (from 6.2 on): one script decides, with the server's own time.

Keys are hash-tagged by credential, so that they stay together in a cluster, and all expire.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import redis

from sequin_admin.limits.stores import Unavailable
from sequin_admin.limits.terms import Answer, Ask, Gauge, Return, Returned

TIMEOUT_S = 2.0
NOT_SAID, NO_CALL = -1, -2


class Script(NamedTuple):
    text: str
    sha: str


def script(name: str) -> Script:
    text = Path(__file__).with_name(f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


ACQUIRE, GIVE_BACK, GAUGE = SCRIPTS = [script(n) for n in ("acquire", "give_back", "gauge")]
Call = tuple[Script, list[str], list[Any]]


class RedisStore:
    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            decode_responses=True,
        )

    def acquire(self, key: UUID, ask: Ask, backs: Sequence[Return] = ()) -> Answer:
        calls = [(GIVE_BACK, *giving(key, back)) for back in backs]
        return answered(self.run([*calls, (ACQUIRE, *asking(key, ask))])[-1])

    def give_back(self, key: UUID, backs: Sequence[Return]) -> list[Returned]:
        got = self.run([(GIVE_BACK, *giving(key, back)) for back in backs])
        return [Returned(now, bool(live)) for now, live in got]

    def gauges(self, keys: Sequence[UUID], intervals: Sequence[int]) -> list[Gauge | None]:
        asked = zip(keys, intervals, strict=True)
        got = self.run([(GAUGE, names(key), [interval]) for key, interval in asked])
        gauges = [Gauge(*numbers) for numbers in got]
        return [gauge if gauge.granted or gauge.waiting else None for gauge in gauges]

    def run(self, calls: list[Call]) -> list[Any]:
        """Each script's answer, in one trip. A server that does not know them is taught."""
        with reachable():
            try:
                return self.evaluate(calls)
            except redis.exceptions.NoScriptError:
                for each in SCRIPTS:
                    self.client.script_load(each.text)
                return self.evaluate(calls)

    def evaluate(self, calls: list[Call]) -> list[Any]:
        commands = [("EVALSHA", how.sha, len(keys), *keys, *args) for how, keys, args in calls]
        if len(commands) == 1:
            return [self.client.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
        pipe: Any = self.client.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*command)
        got: list[Any] = pipe.execute()
        return got


@contextmanager
def reachable() -> Iterator[None]:
    try:
        yield
    except redis.exceptions.NoScriptError:
        raise
    except redis.RedisError as error:
        raise Unavailable(f"Redis could not be asked: {type(error).__name__}.") from error


def names(key: UUID, scope: str = "", *, line: bool = True) -> list[str]:
    """The keys of a credential, in the order in which the scripts take them."""
    own = f"permits:{{{key.hex}}}"
    kept = [own, f"{own}:starts", f"{own}:leases", *([f"{own}:line"] if line else [])]
    return kept + ([f"{own}:starts:{scope}", f"{own}:leases:{scope}"] if scope else [])


def asking(key: UUID, ask: Ask) -> tuple[list[str], list[Any]]:
    scope = ask.scope if ask.narrower else ""
    own = ask.limit
    args: list[Any] = [own.allowed, own.interval, own.at_once, ask.n, ask.priority]
    args += [ask.wait, ask.lease, ask.within, ask.ticket, scope]
    if ask.narrower:
        args += [ask.narrower.allowed, ask.narrower.interval, ask.narrower.at_once]
    return names(key, scope), args


def giving(key: UUID, back: Return) -> tuple[list[str], list[Any]]:
    start, within, scope = back.parts()
    used = NOT_SAID if back.used is None else back.used
    args: list[Any] = [back.lease, back.lease.partition(".")[0], start, within]
    args += [NO_CALL if back.unused else used]
    args += [NOT_SAID if value is None else value for value in (back.pause, back.left)]
    return names(key, scope, line=False), [*args, back.resets]


def answered(got: list[Any]) -> Answer:
    now, starts_in, opens_in, ticket, *leases = got
    return Answer(now, tuple(leases), starts_in, opens_in, ticket)
