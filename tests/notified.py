"""A webhook receiver on loopback, and channels that post to it."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone

from sequin_admin.notifications import channels, delivery
from sequin_admin.notifications.message import Message, Severity
from sequin_admin.notifications.models import Channel, ChannelKind
from tests.served import served

HOST = "hooks.arrakis.test"
NOON = datetime.fromisoformat("2026-11-23T12:00:00+00:00")


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers each call with the next of `answers`, then with 200, and records all calls.

    While `gate` is closed, callers wait.
    """

    port: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, *statuses: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers += [(status, named) for status in statuses]

    @property
    def titles(self) -> list[str]:
        return [call.json["data"]["title"] for call in self.calls]

    def take(self, call: Call) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.calls.append(call)
            answer = self.answers.pop(0) if self.answers else (200, {})
        assert self.gate.wait(30)
        return answer


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.take(Call(self.path, headers, body))
            self.send_response(status)
            for name, value in {"content-length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving(settings) as known:
        yield known


@contextmanager
def receiving(settings: Any, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """The receiver at `HOST`, which is at 127.0.0.1."""
    known = Receiver()
    known.gate.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(known))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    known.port = server.server_port
    scheme = "https" if tls else "http"
    settings.WEBHOOK_BASE_URLS = {HOST: f"{scheme}://127.0.0.1:{known.port}"}
    with served(server):
        yield known
        known.gate.set()


@pytest.fixture
def make_channel(organization: Any) -> Callable[..., Channel]:
    """A channel for all types, unless specified otherwise."""

    def make(kind: str = "webhook", **columns: Any) -> Channel:
        addresses = {
            "mail": "ops@arrakis.test",
            "webhook": f"https://{HOST}/hook",
            "slack": f"https://{HOST}/services/T0/hush",
        }
        wanted = {"name": kind, "address": addresses[kind], "min_severity": Severity.INFO}
        return channels.create(
            columns.pop("organization", organization),
            ChannelKind(kind),
            actor=None,
            **{**wanted, **columns},
        )

    return make


@pytest.fixture
def at(monkeypatch: Any) -> Callable[..., datetime]:
    """Stop the clock at noon plus some time."""

    def move(**gap: float) -> datetime:
        moment = NOON + timedelta(**gap)
        # Patched below `clock.now`, which columns have as their default.
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return moment

    return move


def make_message(title: str = "Spice is late", **more: Any) -> Message:
    return Message(
        **{
            "type": "incident.opened",
            "key": "incident:1",
            "severity": Severity.CRITICAL,
            "title": title,
            "text": "HubSpot rejects our OAuth app's secret since 09:12.",
            "action_url": "https://admin.example.com/oauth-apps/1/",
            "action_label": "Replace the secret",
            "data": {"id": "1"},
            **more,
        }
    )


def work() -> None:
    """Run the worker's deliveries until nothing is due."""
    while claimed := delivery.claim_due(5):
        for row in claimed:
            delivery.deliver_claimed(row)
