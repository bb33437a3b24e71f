"""The HTTP client: allowed addresses, limits, retries and redaction."""

import gzip
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.core import clock, connections, http
from sequin_admin.core.redaction import redact
from tests.served import served

HOST = "provider.example"


class Misbehaving(BaseHTTPRequestHandler):
    """A server that misbehaves, by path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        getattr(self, self.path.strip("/"))()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self) -> None:
        self.answer(200, b'{"fine": true}')

    def html(self) -> None:
        self.answer(200, b"<h1>Maintenance</h1>", content_type="text/html")

    def elsewhere(self) -> None:
        self.answer(302, location="/elsewhere")

    def huge(self) -> None:
        self.answer(200, b"x" * (http.MAX_BYTES + 1))

    def bomb(self) -> None:
        self.answer(200, gzip.compress(b"\0" * 50_000_000), content_encoding="gzip")

    def zipped(self) -> None:
        self.answer(200, gzip.compress(b'{"fine": true}'), content_encoding="gzip")

    def trickle(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def hangup(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    with served(server):
        yield server


@pytest.fixture
def new_clients(monkeypatch):
    """Clients of this test alone."""
    monkeypatch.setattr(http, "_client", cache(http._client.__wrapped__))
    yield http._client(True, True)
    http._client(True, True).close()


@pytest.fixture
def provider(server, settings):
    settings.PROVIDER_BASE_URLS = {HOST: f"http://127.0.0.1:{server.server_port}"}
    return f"https://{HOST}"


def test_an_answer_is_read(provider):
    response = http.get(f"{provider}/json")

    assert (response.status, response.json(), response.data()) == (
        200,
        {"fine": True},
        {"fine": True},
    )


def test_an_address_that_refuses_leads_to_the_next(server, settings, monkeypatch):
    settings.PROVIDER_BASE_URLS = {HOST: f"http://both.test:{server.server_port}"}
    look_up = socket.getaddrinfo

    def look_up_both(host, *args, **kwargs):
        hosts = ["::1", "127.0.0.1"] if host == "both.test" else [host]
        return [found for each in hosts for found in look_up(each, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up_both)

    assert http.get(f"https://{HOST}/json").ok


def test_html_is_no_json(provider):
    response = http.get(f"{provider}/html")

    assert (response.json(), response.data()) == (None, {})


def test_redirects_are_not_followed(provider):
    assert http.get(f"{provider}/elsewhere").status == 302


def test_a_secret_may_hold_any_letter(provider):
    assert http.get(f"{provider}/json", bearer="ключ").ok


@pytest.mark.parametrize("path", ["huge", "bomb"])
def test_too_much_is_refused(provider, path):
    with pytest.raises(http.Unreachable, match="more than 2 MB"):
        http.get(f"{provider}/{path}")


def test_compression_that_nobody_asked_for_is_read(provider):
    assert http.get(f"{provider}/zipped").json() == {"fine": True}


def test_a_trickle_does_not_outlast_the_deadline(provider):
    started = time.monotonic()

    with pytest.raises(http.Unreachable, match="did not answer within"):
        http.get(f"{provider}/trickle", deadline_s=0.5)

    assert time.monotonic() - started < 20  # the whole response would take 50 s


@pytest.mark.parametrize("path", ["json", "trickle"])
def test_a_process_that_was_stopped_past_the_deadline_reads_what_has_arrived(
    provider, path, monkeypatch
):
    """Once more, and for a moment: what still trickles in is too late."""
    stopped = []
    read, real_time = connections.DeadlineStream.read, time.monotonic

    def stop_and_read(stream, *args, **kwargs):
        stopped[:] = [60]
        return read(stream, *args, **kwargs)

    monkeypatch.setattr(connections.DeadlineStream, "read", stop_and_read)
    frozen = SimpleNamespace(monotonic=lambda: real_time() + sum(stopped))
    monkeypatch.setattr(connections, "time", frozen)

    if path == "json":
        assert http.get(f"{provider}/json", deadline_s=5).ok
    else:
        with pytest.raises(http.Unreachable, match="did not answer within"):
            http.get(f"{provider}/trickle", deadline_s=5)


def test_a_connection_that_rests_is_not_used_again(provider, new_clients, monkeypatch):
    """On the way to the provider it may be forgotten, and a call on it gets no answer."""
    http.get(f"{provider}/json")
    http.get(f"{provider}/json")
    (kept,) = new_clients._transport._pool.connections
    now = time.monotonic() + connections.IDLE_S
    monkeypatch.setattr("httpcore2._sync.http11.time", SimpleNamespace(monotonic=lambda: now))

    http.get(f"{provider}/json")

    assert kept.is_closed()


def test_calls_that_hang_hold_up_no_other(provider, new_clients, settings):
    """However many threads a worker has."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=50) as silent,
        ThreadPoolExecutor(20) as pool,
    ):
        silent.settimeout(5)
        port = silent.getsockname()[1]
        settings.PROVIDER_BASE_URLS |= {"silent.example": f"http://127.0.0.1:{port}"}
        hanging = [pool.submit(http.get, "https://silent.example/") for _ in range(20)]
        arrived = [silent.accept()[0] for _ in hanging]

        assert http.get(f"{provider}/json", deadline_s=3).ok
        for line in arrived:
            line.close()


def test_a_broken_connection_is_a_sentence(provider):
    with pytest.raises(http.Unreachable, match="could not be reached"):
        http.get(f"{provider}/hangup")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "ff02::1",
        "fec0::1",
        "::7f00:1",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_private_addresses_are_never_called(monkeypatch, settings, address):
    settings.SIMULATOR_URL = ""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)

    with pytest.raises(http.Forbidden, match="not a public address"):
        http.get("https://evil.example/latest/meta-data")


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_called(monkeypatch, settings, address):
    settings.SIMULATOR_URL = ""
    found = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)

    assert connections.vetted_addresses("provider.example", 443) == [address]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch, settings):
    settings.SIMULATOR_URL = ""
    answers = [(socket.AF_INET, 1, 6, "", (a, 443)) for a in ("93.184.216.34", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)

    with pytest.raises(http.Forbidden):
        connections.vetted_addresses("evil.example", 443)


def test_the_checked_address_is_the_one_that_is_called(monkeypatch, settings):
    """DNS rebinding: the name is resolved only once."""
    settings.SIMULATOR_URL = ""
    asked = []

    def resolve(host, port, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", ("93.184.216.34", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    assert connections.vetted_addresses("rebinding.example", 443) == ["93.184.216.34"]
    assert asked == ["rebinding.example"]


def test_with_a_simulator_every_host_is_there(settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:8001/"

    rewritten = http.rewrite_url("https://api.hubapi.com/oauth/token?a=1#b")

    assert rewritten == "http://127.0.0.1:8001/api.hubapi.com/oauth/token?a=1#b"


@given(st.from_regex(r"\A/[a-z0-9/._~-]{0,40}(\?[a-z0-9=&%]{0,20})?\Z"))
def test_rewriting_keeps_path_and_query(rest):
    from django.test import override_settings

    with override_settings(SIMULATOR_URL="http://127.0.0.1:8001"):
        assert http.rewrite_url(f"https://api.stripe.com{rest}").endswith(f"api.stripe.com{rest}")


SHAPES = (
    r"sk_live_[A-Za-z0-9]{10,30}|rk_test_[A-Za-z0-9]{10,30}|shpat_[a-f0-9]{32}|ghs_[A-Za-z0-9]{30}"
    r"|SG\.[\w-]{22}\.[\w-]{43}|eyJ[A-Za-z0-9]{20}\.[A-Za-z0-9]{20}\.[A-Za-z0-9]{20}|lin_oauth_[a-f0-9]{20}"
)


@given(st.from_regex(SHAPES, fullmatch=True), st.sampled_from(["{}", "token {} refused", '"{}"']))
def test_known_shapes_of_secrets_are_redacted(secret, around):
    assert secret not in redact(around.format(secret))


@given(
    st.sampled_from(["access_token", "refresh_token", "client_secret", "password", "code"]),
    st.from_regex(r"[A-Za-z0-9_.-]{8,40}", fullmatch=True),
    st.sampled_from(['{{"{}": "{}"}}', "{}={}&x=1", "{}: {}"]),
)
def test_what_is_named_like_a_secret_is_redacted(name, value, shape):
    assert value not in redact(shape.format(name, value)).replace(name, "")


def test_the_simulator_does_not_stand_for_an_address_that_somebody_entered(settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:8001"

    assert http.rewrite_url("https://a.example/x") == "http://127.0.0.1:8001/a.example/x"
    assert http.rewrite_url("https://a.example/x", provider=False) == "https://a.example/x"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("1.5", 1.5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("soon", None),
        ("-7", None),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
        ("", None),
    ],
)
def test_a_wait_is_read_as_a_delay_or_as_a_date(said, seconds):
    """A date counts from the server's own, so that no clock needs to be right."""
    headers = {"date": "Tue, 14 Nov 2023 22:13:20 GMT", "retry-after": said}

    assert http.Response(503, headers).retry_after_s == seconds


def test_a_date_without_the_servers_own_counts_from_now():
    at = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)

    assert 80 < http.Response(503, {"retry-after": at}).retry_after_s <= 90


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": "nul \\u0000 inside"}', {"a": "nul \ufffd inside"}),
        (b'{"half \\ud800": 1}', {"half \ufffd": 1}),
        (b'{"pair": "\\ud83d\\ude00"}', {"pair": "\U0001f600"}),
        (b'{"a": [NaN, 1e400, -Infinity, 1.5]}', {"a": [None, None, None, 1.5]}),
        (b"[" * 60_000, None),
        (b"9" * 5_000, None),
    ],
    ids=["NUL", "half", "pair", "infinite", "nested", "digits"],
)
def test_an_answer_has_nothing_that_can_not_be_stored(body, value):
    assert http.Response(200, {}, body).json() == value


def test_the_text_of_an_answer_has_no_nul():
    assert http.Response(200, {}, b"a\0b").excerpt(10) == "a\ufffdb"
