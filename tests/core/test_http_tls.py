"""The HTTP client over TLS, which all real providers speak."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from sequin_admin.core import http
from sequin_admin.simulator.tls.authority import Authority
from tests.patience import PATIENCE_S

HOST = "provider.test"


@pytest.fixture
def serve(settings, monkeypatch):
    """Starts a server whose connections `behave`, under the name `HOST`."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    look_up, stopped = socket.getaddrinfo, threading.Event()
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **kw: look_up("127.0.0.1" if host == HOST else host, *args, **kw),
    )
    settings.PROVIDER_BASE_URLS = {HOST: f"https://{HOST}:{port}"}

    def serve(behave):
        def run():
            line, _ = listener.accept()
            with line, suppress(OSError):
                behave(line, stopped)

        threading.Thread(target=run, daemon=True).start()

    yield serve
    stopped.set()
    listener.close()


def answering(context):
    def behave(line, stopped):
        with context.wrap_socket(line, server_side=True) as wrapped:
            wrapped.recv(10_000)
            wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
            wrapped.sendall(b'{"fine": 1} ')
            stopped.wait(5)

    return behave


def test_an_answer_is_read(authority, serve):
    serve(answering(authority.context(HOST)))

    assert http.get(f"https://{HOST}/").json() == {"fine": 1}


def test_another_name_and_another_authority_are_refused(authority, serve, tmp_path):
    unknown = Authority(tmp_path / "unknown")
    for context, wrong in (
        (authority.context("evil.test"), f"not valid for '{HOST}'"),
        (unknown.context(HOST), "unable to get local issuer certificate"),
    ):
        serve(answering(context))

        with pytest.raises(http.Unreachable, match=f"its certificate is refused: .*{wrong}"):
            http.get(f"https://{HOST}/", bearer="canary")


def test_a_handshake_that_does_not_go_on_ends_at_the_deadline(authority, serve):
    serve(lambda line, stopped: stopped.wait(PATIENCE_S))
    begun = time.monotonic()

    with pytest.raises(http.Unreachable, match=r"within 0\.5 seconds"):
        http.get(f"https://{HOST}/", deadline_s=0.5)

    assert time.monotonic() - begun < 50
