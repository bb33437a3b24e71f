"""Settings of a Redis with which it may forget permits without a trace.

Each is refused unless `REDIS_MAY_FORGET` allows it. What a server does not tell, as some managed
ones do not, is only said.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import redis
from django.conf import settings

from sequin_admin.limits.stores import Risk, Unavailable
from sequin_admin.limits.stores.redis_links import TIMEOUT_S

ASKED_EVERY_S = 60.0
RETRIED_AFTER_S = 1.0
ALLOW = "or set REDIS_MAY_FORGET=True to accept it"


def read_settings(client: redis.Redis) -> dict[str, str]:
    """`maxmemory_policy` and `aof_enabled` of a server, as far as it tells."""
    try:
        info = client.info()
    except redis.ResponseError:
        info = {}
    return {name: str(info[name]) for name in ("maxmemory_policy", "aof_enabled") if name in info}


def risks_of(servers: Iterable[dict[str, str]]) -> list[Risk]:
    """What is wrong with the settings of any of the servers, each said once."""
    found: dict[str, Risk] = {}
    for server in servers:
        policy, has_file = server.get("maxmemory_policy"), server.get("aof_enabled")
        if policy is None or has_file is None:
            found["unknown"] = Risk(
                "Redis does not tell all of its settings. Make sure that maxmemory-policy is "
                "noeviction and that it keeps an append-only file, or its provider a replica: what "
                "it forgets otherwise can exceed a limit.",
                is_refused=False,
            )
        if policy not in (None, "noeviction"):
            found["evicts"] = Risk(
                "Redis may drop counted permits when its memory is full (maxmemory-policy "
                f"{policy}), which can exceed a limit. Set it to noeviction, {ALLOW}.",
                is_refused=not settings.REDIS_MAY_FORGET,
            )
        if has_file == "0":
            found["forgets"] = Risk(
                "Redis keeps no append-only file, so that after a crash it has forgotten counted "
                "permits or goes back to an old snapshot, which can exceed a limit. Set appendonly "
                f"to yes, {ALLOW}.",
                is_refused=not settings.REDIS_MAY_FORGET,
            )
    return list(found.values())


class RiskWatch:
    """Asks for the settings once a minute; what was known counts while Redis does not answer.

    `read` may raise `Unavailable`.
    """

    def __init__(self, read: Callable[[], Iterable[dict[str, str]]]) -> None:
        self.read, self.lock = read, threading.Lock()
        self.servers: list[dict[str, str]] = []
        self.ask_at, self.is_safe = float("-inf"), False

    def risks(self) -> list[Risk]:
        """Raises `Unavailable` before the settings are known."""
        with self.lock:
            if time.monotonic() >= self.ask_at:
                self.ask()
        if not self.servers:
            raise Unavailable("Redis could not be asked for its settings.")
        return risks_of(self.servers)

    def ask(self) -> None:
        # Not every thread waits for a Redis that hangs.
        self.ask_at = time.monotonic() + TIMEOUT_S + RETRIED_AFTER_S
        with suppress(Unavailable):
            self.servers = list(self.read())
            self.is_safe = not risks_of(self.servers)
            self.ask_at = time.monotonic() + ASKED_EVERY_S

    def refuse(self) -> None:
        """Raises `Unavailable` with the sentence of a risk that is not allowed."""
        if self.is_safe and time.monotonic() < self.ask_at:
            return  # Every permit passes here.
        for risk in self.risks():
            if risk.is_refused:
                raise Unavailable(risk.sentence)
