"""Calls of `requests` are made as those of httpx2: authorized, renewed, paced, and reported."""

import gzip
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import httpx2
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.client import Broken, Client, Pace, TryLater, WrongHost
from sequin_admin.client.access import Access
from sequin_admin.client.permits import Permit
from sequin_admin.client.requests import Session
from sequin_admin.client.signing import signature
from sequin_admin.client.transport import CredentialTransport
from sequin_admin.credentials.kinds import Rate
from sequin_admin.limits import limiter
from sequin_admin.limits.models import set_limit
from sequin_admin.limits.permits import PermitRefused
from tests.client.test_client import CONTACTS, token_calls
from tests.served import served

DIALECT = {
    **{"throttled": [(429, "")], "remaining": "X-Left", "reset": "", "reset_unit": "epoch_s"},
    **{"used_of": "", "pause_s": None},
}
KEYS = {
    **{"client_key": "c", "client_secret": "s", "realm": "r", "signature_method": "HMAC-SHA256"},
    **{"resource_owner_key": "o", "resource_owner_secret": "w"},
}


@pytest.fixture
def client(live_server, api_key, in_redis):
    with Client(live_server.url, api_key) as client:
        yield client


@pytest.fixture
def hubspot(client, connected):
    return client.credential(connected("hubspot_oauth2").pk)


@pytest.fixture
def http(hubspot):
    with Session(hubspot) as http:
        http.trust_env = False
        yield http


def test_a_refused_token_is_replaced_and_the_call_sent_again(http, simulated):
    before = token_calls(simulated)
    simulated.act("hubspot", "21902692", "expire")

    answers = [http.get(CONTACTS), http.get(CONTACTS)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert token_calls(simulated) == before + 1
    assert "Authorization" not in answers[0].request.headers


def test_when_the_access_is_gone_it_says_who_must_act(http, simulated):
    http.get(CONTACTS)
    simulated.act("hubspot", "21902692", "revoke")

    with pytest.raises(Broken, match="customer must connect"):
        http.get(CONTACTS)


def test_without_a_permit_it_is_to_be_tried_later(client, connected):
    row = connected("hubspot_oauth2")
    set_limit(row, Rate(allowed_requests=1, interval=60_000, max_concurrent_requests=0), actor=None)
    with Session(client.credential(row.pk, Pace(patience_s=0))) as http:
        http.trust_env = False
        http.get(CONTACTS)

        with pytest.raises(TryLater):
            http.get(CONTACTS)


def test_calls_are_signed_where_the_provider_wants_that(client, connected):
    with Session(client.credential(connected("netsuite_tba").pk)) as http:
        http.trust_env = False
        answer = http.get("/services/rest/record/v1/customer", params={"q": "a b+c~ü", "limit": 5})

    assert answer.status_code != 401


def test_a_streamed_call_has_its_permit_until_the_body_was_read(client, connected):
    row = connected("hubspot_oauth2")
    set_limit(row, Rate(allowed_requests=99, interval=1000, max_concurrent_requests=1), actor=None)
    with Session(client.credential(row.pk)) as http:
        http.trust_env = False
        for end in (requests.Response.close, lambda answer: answer.json()):
            answer = http.get(CONTACTS, stream=True)
            with pytest.raises(PermitRefused):
                limiter.acquire(row)
            end(answer)
            limiter.release(row, limiter.acquire(row).leases[0])


class Echo(BaseHTTPRequestHandler):
    """Keeps what was sent, and answers with what it is told."""

    protocol_version = "HTTP/1.1"

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wanted = {name: self.headers[name] for name in ("Host", "Authorization", "Content-Type")}
        self.server.sent.append((self.command, self.path, body, wanted, self.connection))
        status, headers, body = (
            self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
        )
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.sent, server.answers = [], []
    with served(server):
        yield server


class Known:
    """A credential whose token and permits are known here, and what was said about them."""

    def __init__(self, server, **access):
        self.base_url = f"http://127.0.0.1:{server.server_port}"
        parts = {"headers": {"Authorization": "Bearer t"}, "dialect": DIALECT} | access
        if "signing" in parts:
            parts["signing"] = KEYS | {"base_url": self.base_url}
        self.access = Access(self.base_url, "1", **parts)
        self.permits = self
        self.events = []

    def token(self):
        return self.access

    def refused(self, access):
        self.events.append("refused")
        return access

    def take(self):
        self.events.append("take")
        return Permit("1", time.monotonic(), time.monotonic() + 60)

    def renew(self, permit):
        self.events.append("look")

    def give(self, permit):
        self.events.append(permit.ending["outcome"])


@pytest.fixture
def known(server):
    server.sent.clear()
    server.answers.clear()
    return Known(server)


@pytest.fixture
def session(known):
    with Session(known) as session:
        session.trust_env = False
        yield session


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="?#%"), max_size=8)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path=st.lists(TEXT.filter(lambda part: part not in ("", ".", "..")), max_size=3),
    query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
    body=st.one_of(st.none(), st.binary(min_size=1, max_size=20)),
    parts=st.sampled_from(
        [
            *({}, {"fields": {"Password": "p"}}, {"signing": KEYS}),
            {"headers": {"X-Key": "k", "Content-Type": "a/b"}},
        ]
    ),
)
def test_the_same_is_sent_as_by_httpx2(server, method, path, query, body, parts):
    """Its address, its body, and what the kind adds. Signed is what is sent."""
    server.sent.clear()
    known = Known(server, **parts)
    if "fields" in parts:
        method, body = "POST", None
    url = httpx2.URL(known.base_url).copy_with(path="/" + "/".join(path))
    url = str(url.copy_merge_params(query) if query else url)

    with Session(known) as http:
        http.trust_env = False
        http.request(method, url, data=body)
    with httpx2.Client(
        transport=CredentialTransport(known, httpx2.HTTPTransport()), trust_env=False
    ) as http:
        http.request(method, url, content=body)

    first, second = server.sent
    paths = [re.sub("^//+", "/", unquote(each[1])) for each in (first, second)]
    sent = (first[0], paths[0], first[2], first[3]["Content-Type"])
    assert sent == (second[0], paths[1], second[2], second[3]["Content-Type"])
    if "signing" in parts:
        claims = dict(re.findall(r'(oauth_\w+)="([^"]*)"', first[3]["Authorization"]))
        claims = {name: unquote(value) for name, value in claims.items()}
        signed = claims.pop("oauth_signature")
        assert signed == signature(KEYS, first[0], known.base_url + first[1], b"", claims)
    else:
        assert first[3] == second[3]


@pytest.mark.parametrize(
    "body", [b"spice", "spice", iter([b"spi", b"ce"])], ids=["bytes", "text", "parts"]
)
def test_a_body_is_sent_twice(server, session, known, body):
    server.answers[:] = [(401, {}, b"no"), (200, {}, b"yes")]

    assert session.post("/", data=body).text == "yes"

    assert [sent[2] for sent in server.sent] == [b"spice", b"spice"]
    assert known.events == ["take", "look", "ok", "refused", "take", "look", "ok"]


def test_what_the_provider_says_is_reported(server, session, known):
    server.answers[:] = [(429, {"Retry-After": "7"}, b"slow"), (200, {"X-Left": "3"}, b"x")]
    said = []
    known.give = lambda permit: said.append(permit.ending)

    session.get("/")
    session.get("/")

    assert (said[0]["outcome"], said[0]["retry_after_ms"]) == ("throttled", 7000)
    assert said[1]["remaining"] == 3


def test_a_sign_of_throttling_in_a_compressed_body_is_seen_and_the_body_kept(server):
    known = Known(server, dialect=DIALECT | {"throttled": [(403, "too many")]})
    body = gzip.compress(b'{"error": "Too many calls"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    server.answers[:] = [(403, headers, body)] * 2

    with Session(known) as session:
        session.trust_env = False
        answers = [session.get("/"), session.get("/", stream=True)]

    assert [answer.json() for answer in answers] == [{"error": "Too many calls"}] * 2
    assert known.events == ["take", "look", "throttled"] * 2


def test_a_call_that_fails_gives_its_permit_back(server, session, known):
    server.answers[:] = [(200, {"Content-Length": "9"}, b"short")]

    with pytest.raises(requests.exceptions.ConnectionError):
        session.get("/", timeout=0.2)
    known.access = Access("http://127.0.0.1:9", "1", dialect=DIALECT)
    with pytest.raises(requests.exceptions.ConnectionError):
        session.get("http://127.0.0.1:9/")

    assert known.events == ["take", "look", "ok", "take", "failed"]


def test_the_connection_is_used_again(server, session):
    session.get("/")
    with session.get("/", stream=True) as answer:
        assert answer.content == b""
    session.get("/")

    assert len({sent[4] for sent in server.sent}) == 1


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "/redirect"])
def test_a_token_goes_to_its_provider_only(server, session, elsewhere):
    server.answers[:] = [(302, {"Location": "http://evil.test/"}, b"")]

    with pytest.raises(WrongHost, match="Nothing was sent"):
        session.get(elsewhere)

    assert len(server.sent) == (elsewhere == "/redirect")
