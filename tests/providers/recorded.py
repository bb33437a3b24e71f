"""Records a provider's good answers, and gives them again with one of them changed."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import httpx2
from hypothesis import strategies as st

from sequin_admin.core import connections, http

# What stands in place of a value. `1e400` is a number that JSON allows and no database stores.
ODD = ["", "text", "nul \0 inside", "half \ud800 a pair", "9" * 400, 0, -1, 2**70, 1.5, True]
ODD += [None, [], {}, ["text"], [[]], {"id": None}, float("inf"), float("nan")]
# What stands in place of a whole body.
BODIES = [b"", b"null", b"[]", b"{}", b'"text"', b"17", b"true", b"<html>Sorry</html>", b"\xff\xfe"]
BODIES += [b"[" * 60_000, b'{"a":' * 60_000, b"9" * 5_000, b"[[1]]", b'["text"]', b"\0"]


@dataclass(frozen=True)
class Recorded:
    """One answer as it arrived."""

    status: int
    headers: dict[str, str]
    body: bytes

    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Body(httpx2.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body


class Recorder(httpx2.BaseTransport):
    """Passes calls on and keeps the answers."""

    def __init__(self, transport: httpx2.BaseTransport, kept: list[Recorded]) -> None:
        self.transport, self.kept = transport, kept

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.transport.handle_request(request)
        answer.read()
        self.kept.append(Recorded(answer.status_code, dict(answer.headers), answer.content))
        return response_of(self.kept[-1])

    def close(self) -> None:
        self.transport.close()


class Player(httpx2.BaseTransport):
    """Gives the answers in their order, the last one again and again."""

    def __init__(self, answers: Sequence[Recorded]) -> None:
        self.answers, self.calls = answers, 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        assert self.calls < 3_000, "This loop has no end."
        return response_of(self.answers[min(self.calls, len(self.answers)) - 1])


def response_of(answer: Recorded) -> httpx2.Response:
    kept = ("content-type", "link", "retry-after", "www-authenticate")
    headers = {name: value for name, value in answer.headers.items() if name.lower() in kept}
    return httpx2.Response(answer.status, headers=headers, stream=Body(answer.body))


@contextmanager
def recording(monkeypatch: Any) -> Iterator[list[Recorded]]:
    """The answers to all calls within."""
    kept: list[Recorded] = []
    # The simulator's address is named by a setting.
    recorder = Recorder(connections.GuardedTransport(provider=True, named=True), kept)
    with (
        monkeypatch.context() as patched,
        httpx2.Client(transport=recorder, trust_env=False) as client,
    ):
        patched.setattr(http, "_client", lambda *policy: client)
        yield kept


@contextmanager
def playing(monkeypatch: Any, answers: Sequence[Recorded]) -> Iterator[None]:
    """All calls within get these answers."""
    player = Player(answers)
    with (
        monkeypatch.context() as patched,
        httpx2.Client(transport=player, trust_env=False) as client,
    ):
        patched.setattr(http, "_client", lambda *policy: client)
        yield


Path = tuple[Any, ...]


def paths(value: Any, before: Path = ()) -> Iterator[Path]:
    """The paths of all values within a JSON value."""
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield (*before, name)
            yield from paths(value[name], (*before, name))


@dataclass(frozen=True)
class Change:
    """One value of an answer: dropped, wrapped, or replaced."""

    path: Path
    how: str
    by: Any = None

    def apply(self, value: Any) -> Any:
        changed = deepcopy(value)
        place = changed
        for step in self.path[:-1]:
            place = place[step]
        last = self.path[-1]
        if self.how == "drop":
            del place[last]
        elif self.how == "nest":
            place[last] = {"value": place[last]} if self.by else [place[last]]
        else:
            place[last] = self.by
        return changed


def changes(value: Any) -> st.SearchStrategy[Change]:
    """All ways to change one value of `value`."""
    found = st.sampled_from(list(paths(value)))
    return st.one_of(
        st.builds(Change, found, st.just("drop")),
        st.builds(Change, found, st.just("nest"), st.booleans()),
        st.builds(Change, found, st.just("replace"), st.sampled_from(ODD)),
    )


@st.composite
def changed_answers(draw: Callable[..., Any], answers: Sequence[Recorded]) -> list[Recorded]:
    """The answers with one of them changed: a value of it, or its whole body."""
    index = draw(st.integers(0, len(answers) - 1))
    good, value = answers[index], answers[index].value()
    bodies = st.sampled_from(BODIES)
    if isinstance(value, dict | list) and value:
        # Bytes of JSON as a provider may send them, with what Python's own writer would refuse.
        inside = changes(value).map(
            lambda change: json.dumps(change.apply(value)).replace("Infinity", "1e400").encode()
        )
        bodies = st.one_of(inside, inside, inside, bodies)
    return [*answers[:index], replace(good, body=draw(bodies)), *answers[index + 1 :]]
