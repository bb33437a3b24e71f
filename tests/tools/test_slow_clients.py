"""The web server of the Dockerfile and of `make run`, with clients that stop in the middle."""

import io
import json
import shutil
import socket
from contextlib import ExitStack

import httpx2
import pytest
import yaml
from django.conf import settings

from sequin_admin.core import arrivals
from sequin_admin.core.arrivals import Arrival, TooLarge
from sequin_admin.core.env import ROOT, inherited
from sequin_admin.tools.supervisor import WORKER_CLASS, Supervisor, free_port, gunicorn

HALF_HEAD = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nX-Half: "
HALF_BODY = (
    b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin=a"
)
HALF_CHUNK = (
    b"POST /v1/credentials/bulk HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b'Content-Type: application/json\r\n\r\n10\r\n{"cred'
)
HALF_PIPELINED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + HALF_BODY
CLOSING = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
# A slow client is cut off then, and no longer holds up anybody.
BEFORE_THEIR_END = {"timeout": arrivals.ARRIVES_IN_S - 10, "trust_env": False}
KINDS = [HALF_HEAD, HALF_BODY, HALF_CHUNK, HALF_PIPELINED, CLOSING]


@pytest.fixture(scope="module")
def port(tmp_path_factory, migrated_file):
    port, supervisor = free_port(), Supervisor(io.StringIO())
    file = shutil.copy(migrated_file, tmp_path_factory.mktemp("data"))
    environment = {
        **inherited(),
        "DJANGO_SETTINGS_MODULE": "sequin_admin.settings",
        "DATABASE_URL": f"sqlite:///{file}",
        "FIELD_ENCRYPTION_KEY": ",".join(settings.FIELD_ENCRYPTION_KEY),
        "PUBLIC_URL": "http://localhost",
    }
    try:
        supervisor.start("web", gunicorn("sequin_admin.wsgi", port, 8), environment)
        supervisor.wait_for("web", f"http://127.0.0.1:{port}/healthz")
        yield port
    finally:
        supervisor.stop()


def connect(port, data=b""):
    client = socket.create_connection(("127.0.0.1", port), timeout=BEFORE_THEIR_END["timeout"])
    client.sendall(data)
    return client


def respond(port, *pieces):
    """The status and the body of the response to a request that is sent in pieces."""
    with connect(port) as client:
        for piece in pieces:
            client.sendall(piece)
        head, _, body = b"".join(iter(lambda: client.recv(65_536), b"")).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize("sent", KINDS, ids=["head", "body", "chunk", "pipelined", "closing"])
def test_forty_slow_clients_do_not_stop_the_others(port, sent):
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect(port, sent))
        for _ in range(3):
            response = httpx2.get(f"http://127.0.0.1:{port}/readyz", **BEFORE_THEIR_END)
            assert (response.status_code, response.text) == (200, "ready\n")


def test_a_slow_client_is_answered_once_its_request_is_complete(port):
    with connect(port, HALF_HEAD) as client:
        httpx2.get(f"http://127.0.0.1:{port}/readyz", **BEFORE_THEIR_END)
        client.sendall(b"whole\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65_536), b""))

    assert received.startswith(b"HTTP/1.1 200")
    assert b"ready\n" in received


def test_a_connection_serves_many_requests_sent_at_once(port):
    kept = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(port, kept * 3 + CLOSING) as client:
        received = b"".join(iter(lambda: client.recv(65_536), b""))

    assert received.count(b"HTTP/1.1 200 OK") == 4


def test_a_body_that_is_too_big_is_refused_before_it_is_sent(port):
    head = f"POST /v1/credentials/bulk HTTP/1.1\r\nHost: a\r\nContent-Length: {10**7 + 1}\r\n\r\n"
    status, body = respond(port, head.encode())

    assert status == 413
    assert "10,000,000 bytes" in json.loads(body)["summary"]


def post(path, body, *fields):
    head = [f"POST {path} HTTP/1.1", "Host: localhost", *fields]
    return "\r\n".join([*head, "", ""]).encode() + body


LONG = 3_000_000 * b"x"
FORM = "Content-Type: application/x-www-form-urlencoded"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(LONG), LONG)
UNREAD = {
    "form": (413, post("/accounts/login/", LONG, f"Content-Length: {len(LONG)}", FORM)),
    "chunks": (413, post("/accounts/login/", IN_CHUNKS, "Transfer-Encoding: chunked", FORM)),
    "key": (401, post("/v1/credentials", LONG, f"Content-Length: {len(LONG)}")),
    "page": (404, post("/nothing/", LONG[:900_000], "Content-Length: 900000")),
}


@pytest.mark.parametrize("refused", UNREAD)
def test_a_connection_is_kept_as_it_was_said_when_nobody_read_the_body(port, refused):
    """RFC 9112 section 9.6: who closes a connection says so before."""
    status, sent = UNREAD[refused]

    with connect(port, sent + CLOSING) as client:
        received = b"".join(iter(lambda: client.recv(65_536), b""))

    assert received.startswith(b"HTTP/1.1 %d " % status)
    first, _, rest = received.partition(b"\r\n\r\n")
    assert b"\r\nconnection: keep-alive" in first.lower()
    assert b"HTTP/1.1 200 OK" in rest


def test_a_head_without_end_is_refused(port):
    assert respond(port, HALF_HEAD, b"a" * 100_000)[0] == 431


def test_a_client_that_waits_for_it_is_told_to_continue(port):
    head = HALF_BODY.partition(b"\r\n\r\n")[0] + b"\r\nExpect: 100-continue\r\n\r\n"
    with connect(port, head) as client:
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


def chunked(*chunks):
    framed = [b"%x;x=y\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(framed)


@pytest.mark.parametrize(
    "request_bytes",
    [
        HALF_HEAD + b"\r\n\r\n",
        HALF_BODY + b"x" * 993,
        chunked(b"a", b"b" * 300, b"\r\n\r\n") + b"0\r\n\r\n",
        chunked(b"a") + b"0\r\nX-Trailer: 1\r\n\r\n",
        # Without sense: gunicorn refuses them.
        chunked() + b"zz\r\n",
        chunked() + b"0" * 10_001,
    ],
)
def test_a_request_is_complete_with_its_last_byte(request_bytes):
    arrival, complete = Arrival(), []
    for byte in request_bytes:
        arrival.received.append(byte)
        complete.append(arrival.is_complete())

    assert complete.index(True) == len(request_bytes) - 1


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 10000001\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 3_500_000,
    ],
    ids=["length", "digits", "chunk", "many chunks"],
)
def test_a_body_beyond_the_limit_is_not_waited_for(framing):
    with pytest.raises(TooLarge):
        Arrival(b"POST / HTTP/1.1\r\n" + framing).is_complete()


def test_its_limit_is_that_of_the_settings():
    assert arrivals.MOST_BODY == settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_the_proxy_of_compose_takes_what_the_server_takes():
    proxy = (ROOT / "deploy/nginx.conf").read_text()

    assert f"client_max_body_size {settings.DATA_UPLOAD_MAX_MEMORY_SIZE};" in proxy
    assert json.dumps({"summary": arrivals.REFUSALS[413][1]}) in proxy
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    # The one that ends TLS stands in front of it.
    assert services["web"]["environment"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-2}"


def test_the_image_runs_the_same_server():
    assert f'"--worker-class", "{WORKER_CLASS}"' in (ROOT / "Dockerfile").read_text()
