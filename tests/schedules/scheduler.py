"""Runs actors in threads, one at a time, in an order that is given.

An actor pauses before each transaction, before each statement outside of one that touches what is
shared, and before each call to a provider. No pause is inside a transaction, so an actor that
pauses holds no lock. A step is what an actor does from one pause to the next.

An actor may have a wrong clock; the database's is right.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from sequin_admin.core import clock, http

STEP_S = 60
NONE = timedelta()
# What the checked promises depend on; what else the actors write is theirs alone.
SHARED = frozenset({"tokens_token", "credentials_credential"})
PROVIDER = "provider"
Access = tuple[str, bool]  # what, and whether it was written


class Killed(BaseException):
    """The actor's process was killed: it does nothing more."""


class Stuck(Exception):
    """An actor did not come to its next pause, or all of them wait for nothing."""


@dataclass(eq=False)
class Actor:
    """A thread that does `work`, whose clock is `ahead` of the database's. `sending` is the call
    whose answer it has not stored yet."""

    letter: str
    name: str
    work: Callable[[], Any]
    ahead: timedelta = timedelta()
    may_go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread | None = None
    done: list[str] = field(default_factory=list)
    accesses: set[Access] = field(default_factory=set)
    sending: str = ""
    waits: bool = False
    killed: bool = False
    ended: bool = False
    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True)
class Step:
    """What an actor did between two pauses."""

    letter: str
    name: str
    done: tuple[str, ...]
    accesses: frozenset[Access]

    def conflicts_with(self, other: "Step") -> bool:
        """Whether the order of the two matters."""
        mine, theirs = dict(sorted(self.accesses)), dict(sorted(other.accesses))
        return any(mine[what] or theirs[what] for what in mine.keys() & theirs.keys())


class Scheduler:
    """The actors of one run. `steps` is what they did, `problems` what was seen to be wrong."""

    def __init__(self, work: Mapping[str, Callable[["Scheduler"], Any]]) -> None:
        self.actors = {
            letter: Actor(letter, name, lambda act=act: act(self), getattr(act, "ahead", NONE))
            for letter, (name, act) in zip("ABCDE", work.items(), strict=False)
        }
        self.by_thread: dict[int, Actor] = {}
        self.paused = threading.Semaphore(0)
        self.steps: list[Step] = []
        self.problems: list[str] = []
        self.leases_ended = False

    def start(self) -> None:
        """Bring every actor to its first pause."""
        for actor in self.actors.values():
            actor.thread = threading.Thread(target=self._run, args=(actor,), daemon=True)
            with clock_ahead(actor.ahead):
                actor.thread.start()
                self._await(actor)

    def _run(self, actor: Actor) -> None:
        self.by_thread[threading.get_ident()] = actor
        try:
            with connection.execute_wrapper(self._on_statement):
                actor.result = actor.work()
        except Killed:
            actor.killed = True
        except BaseException as error:
            actor.error = error
        finally:
            connections.close_all()
            actor.ended, actor.sending = True, ""
            if not actor.killed:
                self.paused.release()

    def current(self) -> Actor | None:
        return self.by_thread.get(threading.get_ident())

    def enabled(self) -> list[str]:
        return [a.letter for a in self.actors.values() if not a.ended and not a.waits]

    def waiting(self) -> bool:
        return any(a.waits and not a.ended for a in self.actors.values())

    def step(self, letter: str) -> Step:
        """Let one actor go on until its next pause."""
        actor = self.actors[letter]
        actor.done, actor.accesses = [], {(f"process of {actor.name}", False)}
        with clock_ahead(actor.ahead):
            actor.may_go.release()
            self._await(actor)
        step = Step(letter, actor.name, tuple(actor.done), frozenset(actor.accesses))
        self.steps.append(step)
        if any(written for _, written in step.accesses) or actor.ended:
            self.wake(but=actor)
        return step

    def wake(self, but: Actor | None = None) -> None:
        for actor in self.actors.values():
            actor.waits = actor.waits and actor is but

    def kill(self, actor: Actor) -> None:
        """End another actor where it pauses."""
        if actor.thread and not actor.ended:
            actor.killed = True
            actor.may_go.release()
            actor.thread.join(STEP_S)

    def close(self) -> None:
        for actor in self.actors.values():
            self.kill(actor)

    def touch(self, what: str) -> None:
        """The step under way changes this: its order to the steps that use it matters."""
        actor = self.current()
        assert actor is not None
        actor.accesses.add((what, True))

    def named(self, name: str) -> Actor:
        return next(actor for actor in self.actors.values() if actor.name == name)

    def _await(self, actor: Actor) -> None:
        if not self.paused.acquire(timeout=STEP_S):
            raise Stuck(f"{actor.name} did not come to its next pause: {actor.done}")

    def _pause(self, actor: Actor) -> None:
        if actor.killed:
            raise Killed
        self.paused.release()
        actor.may_go.acquire()
        if actor.killed:
            raise Killed

    # What is put in the place of the product's edges while a run goes on.

    def _on_statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        actor, (verb, tables) = self.current(), tables_of(sql)
        assert actor is not None
        if tables and not context["connection"].in_atomic_block:
            self._pause(actor)
        result = execute(sql, params, many, context)
        if tables:
            # What changes no row only reads: it is a lease that was not had.
            written = verb != "SELECT" and context["cursor"].rowcount != 0
            actor.accesses |= {(table, written) for table in tables}
            actor.done.append(f"{verb} {', '.join(sorted(tables))}")
            actor.sending = ""
        return result

    def _enter(self, real: Callable[..., Any], atomic: Any) -> Any:
        actor = self.current()
        if actor and not transaction.get_connection(atomic.using).in_atomic_block:
            self._pause(actor)
            actor.done.append("a transaction")
        return real(atomic)

    def _request(self, real: Callable[..., Any], method: str, url: str, **options: Any) -> Any:
        actor = self.current()
        if actor is None:
            return real(method, url, **options)
        if connection.in_atomic_block:
            self.problems.append(f"{actor.name} calls {urlsplit(url).hostname} in a transaction.")
        else:
            self._pause(actor)
        sent = {**(options.get("form") or {}), **(options.get("json") or {})}
        what = f"{method} {urlsplit(url).hostname}{urlsplit(url).path}"
        if sent.get("grant_type") == "refresh_token":
            # Of one token: when a newer one is entered, the lease on the older is ended.
            sending = f"{what} {sent.get('refresh_token')}"
            others = [a for a in self.actors.values() if a.sending == sending and a is not actor]
            if others and not self.leases_ended:
                self.problems.append(f"{actor.name} and {others[0].name} hold the lease at once.")
            actor.sending = sending
        answer = real(method, url, **options)
        actor.accesses.add((PROVIDER, True))
        actor.done.append(f"{what} -> {answer.status}")
        return answer

    def _sleep(self, real: Callable[[float], None], seconds: float) -> None:
        actor = self.current()
        if actor is None:
            real(seconds)
            return
        actor.done.append("waits")
        actor.waits = True
        self._pause(actor)

    @contextmanager
    def installed(self) -> Iterator[None]:
        enter, request, sleep = transaction.Atomic.__enter__, http.request, time.sleep
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transaction.Atomic, "__enter__", lambda each: self._enter(enter, each))
            patch.setattr(http, "request", lambda *a, **o: self._request(request, *a, **o))
            patch.setattr(time, "sleep", lambda seconds: self._sleep(sleep, seconds))
            patch.setattr(clock, "measure", lambda connection: None)
            # PostgreSQL has a clock of its own.
            patch.setattr(clock.DatabaseTime, "as_sqlite", right_time, raising=False)
            yield


@contextmanager
def clock_ahead(by: timedelta) -> Iterator[None]:
    """The clock of the only process that runs within."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_offset", by)
        yield


def right_time(time: clock.DatabaseTime, compiler: Any, connection: Any) -> Any:
    """`DatabaseTime` in SQL where the clock that it reads is not the actor's."""
    value = timezone.now() + time.shift
    return "%s", (time.output_field.get_db_prep_value(value, connection),)


@cache
def tables_of(sql: str) -> tuple[str, frozenset[str]]:
    """The verb of a statement, and the shared tables that it names."""
    return sql.split(None, 1)[0], SHARED.intersection(re.findall(r'"(\w+)"', sql))
