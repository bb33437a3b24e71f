"""Signed webhooks: every change of the rows, as the provider posts it, to this machine only."""

import base64
import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe
from hubspot.utils.signature import Signature

from tests.served import served
from tests.simulator.customer import Customer

ACCOUNTS = {
    "stripe": "acct_1Arrakis0000001",
    "github": "paul-atreides",
    "shopify": "shop-001.myshopify.com",
    "hubspot": "21902692",
    "linear": "abc123",
}
COLLECTIONS = {
    "stripe": ["customers", "charges"],
    "github": ["sietch/issues", "spice/issues"],
    "shopify": ["products", "orders", "customers"],
    "hubspot": ["contacts", "companies", "deals", "tickets"],
    "linear": ["issues", "projects", "users"],
}
PER_HOUR = 40


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent. Answers each with the first of `statuses`, then 200."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Post)
        self.url = f"http://127.0.0.1:{self.server_port}/hooks?a=1"
        self.got, self.statuses, self.came = [], [], threading.Condition()
        self.hold = lambda: None

    def wait(self, count):
        """As many messages as `count` says, or until it says enough of them."""
        enough = count if callable(count) else lambda got: len(got) >= count
        with self.came:
            assert self.came.wait_for(lambda: enough(self.got), 60), len(self.got)
            return list(self.got)


class Post(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        with server.came:
            server.got.append((dict(self.headers), body))
            status = server.statuses.pop(0) if server.statuses else 200
            server.came.notify_all()
        server.hold()
        self.send_response(status)
        self.end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def serving():
    server = Receiver()
    with served(server):
        yield server


@pytest.fixture
def receiver():
    with serving() as server:
        yield server


@pytest.fixture
def other_receiver():
    with serving() as server:
        yield server


def control(simulator, provider, ending="", **body):
    url = f"{simulator.url}/control-api/{provider}/accounts/{ACCOUNTS[provider]}/webhooks{ending}"
    return simulator.http.post(url, json=body) if body or ending else simulator.http.get(url)


def listen(simulator, provider, receiver):
    """Tell the receiver of the account's changes; the secret that signs them."""
    simulator.stop_clock()
    told = control(simulator, provider, url=receiver.url).raise_for_status().json()
    return told["secret"] or simulator.app(provider)["client_secret"]


def beat(simulator, provider, hours=1):
    simulator.set_heart(provider, ACCOUNTS[provider], PER_HOUR)
    simulator.clock(hours * 3600)


def is_signed(provider, headers, body, secret, url):
    """By the provider's own package, or as its documentation says."""
    made = hmac.new(secret.encode(), body, hashlib.sha256)
    if provider == "stripe":
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
        return True
    if provider == "hubspot":
        return Signature.is_valid(
            headers["X-HubSpot-Signature-v3"],
            secret,
            body.decode(),
            http_method="POST",
            http_uri=url,
            signature_version="v3",
            timestamp=headers["X-HubSpot-Request-Timestamp"],
        )
    if provider == "linear":
        return headers["Linear-Signature"] == made.hexdigest()
    if provider == "github":
        return headers["X-Hub-Signature-256"] == f"sha256={made.hexdigest()}"
    return headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(made.digest()).decode()


def changes_in(provider, headers, body):
    """What the message tells: `(id of the row, whether it is gone)`."""
    said = json.loads(body)
    if provider == "stripe":
        yield said["data"]["object"]["id"], said["type"].endswith(".deleted")
    elif provider == "hubspot":
        yield from ((str(e["objectId"]), e["subscriptionType"].endswith("deletion")) for e in said)
    elif provider == "linear":
        yield said["data"]["id"], said["action"] == "remove"
    elif provider == "github":
        yield str(said["issue"]["number"]), said["action"] == "deleted"
    else:
        yield str(said["id"]), headers["X-Shopify-Topic"].endswith("/delete")


def id_in(provider, headers, body):
    """What receivers know a message again by."""
    if provider == "github":
        return headers["X-GitHub-Delivery"]
    return json.loads(body)[0]["eventId"]


def rows_changed(simulator, provider, since):
    """Of the oracle: ids of rows that changed since, and those of them that are gone."""
    changed, gone = set(), set()
    for collection in COLLECTIONS[provider]:
        page = simulator.rows(provider, ACCOUNTS[provider], collection)
        gone |= {row["id"] for row in page["tombstones"] if row["deleted_at"] >= since}
        changed |= {row["id"] for row in page["rows"] if row["updated_at"] >= since}
    return changed | gone, gone


@pytest.mark.parametrize("provider", ACCOUNTS)
def test_what_changed_is_told_signed_and_whole(simulator, receiver, provider):
    simulator.set_count(provider, ACCOUNTS[provider], 60)
    secret = listen(simulator, provider, receiver)
    since = simulator.rows(provider, ACCOUNTS[provider], COLLECTIONS[provider][0])["at"]

    beat(simulator, provider, hours=4)

    got = receiver.wait(PER_HOUR * 4 * len(COLLECTIONS[provider]) - 10)
    assert all(is_signed(provider, *one, secret, receiver.url) for one in got)
    told = {change for one in got for change in changes_in(provider, *one)}
    changed, gone = rows_changed(simulator, provider, since)
    assert {row for row, _ in told} == changed
    assert {row for row, is_gone in told if is_gone} == gone


def test_a_call_that_writes_is_told(simulator, receiver):
    him = Customer(simulator, "hubspot")
    token = him.connect(scope="oauth tickets")["access_token"]
    listen(simulator, "hubspot", receiver)

    made = simulator.http.post(
        simulator.url_for("https://api.hubapi.com/crm/v3/objects/tickets"),
        json={"properties": {"subject": "No water"}},
        headers={"Authorization": f"Bearer {token}"},
    ).json()
    simulator.clock(1)

    ((_, body),) = receiver.wait(1)
    (event,) = json.loads(body)
    assert (event["subscriptionType"], str(event["objectId"])) == ("ticket.creation", made["id"])


@pytest.mark.parametrize(("provider", "attempts"), [("hubspot", 2), ("github", 1)])
def test_what_was_not_confirmed_is_sent_again_as_the_provider_does(
    simulator, receiver, provider, attempts
):
    """HubSpot after a minute; GitHub not by itself, so it goes on with the next."""
    receiver.statuses = [500]
    listen(simulator, provider, receiver)
    simulator.set_heart(provider, ACCOUNTS[provider], 1)

    simulator.clock(3600)
    first = id_in(provider, *receiver.wait(1)[0])
    simulator.clock(3600)
    # The round that failed is over then, and by what clock the rest of it waits is known.
    receiver.wait(3)
    simulator.clock(120)

    def again(got):
        return [one for one in got if id_in(provider, *one) == first]

    # Of two hours: each repository has one change an hour.
    everything = 2 * len(COLLECTIONS["github"])
    got = receiver.wait(lambda got: len(got) >= everything and len(again(got)) >= attempts)
    assert len(again(got)) == attempts
    if provider == "hubspot":
        assert [json.loads(body)[0]["attemptNumber"] for _, body in again(got)] == [0, 1]


def test_in_disorder_they_come_twice_and_out_of_order(simulator, receiver):
    simulator.set_count("stripe", ACCOUNTS["stripe"], 60)
    listen(simulator, "stripe", receiver)
    drill = {"provider": "stripe", "name": "webhook_disorder", "for_s": 86_400}
    simulator.post("drills", **drill)

    beat(simulator, "stripe")
    simulator.clock(600)  # the latest of that hour

    got = [json.loads(body) for _, body in receiver.wait(2 * PER_HOUR + 1)]
    assert len({event["id"] for event in got}) < len(got)
    created = [event["created"] for event in got]
    assert created != sorted(created)


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "http://10.0.0.1/", "http://example.test/", "http://0.0.0.0/"),
        *("http://127.0.0.1.evil.test/", "http://localhost@evil.test/", "ftp://127.0.0.1/"),
        *("http://[::ffff:10.0.0.1]/", "http://127.0.0.1:x/", "", 5, None),
    ],
)
def test_only_this_machine_is_called(simulator, url):
    answer = control(simulator, "stripe", url=url)

    assert answer.status_code == 400
    assert "address of this machine" in answer.json()["error"]


def test_addresses_are_listed_and_removed(simulator, receiver):
    listen(simulator, "github", receiver)
    (known,) = control(simulator, "github").json()["data"]

    assert control(simulator, "github", f"/{known['id']}/remove").json() == {"done": True}

    assert control(simulator, "github").json() == {"data": []}
    assert control(simulator, "github", f"/{known['id']}/remove").status_code == 400
    panel = f"{simulator.url}/control/github/{ACCOUNTS['github']}/"
    simulator.http.post(f"{panel}webhooks", data={"url": receiver.url})
    assert "127.0.0.1" in simulator.http.get(panel).text
    assert simulator.http.post(f"{panel}webhooks", data={"url": "http://x/"}).status_code == 400


def test_a_provider_without_webhooks_says_so(simulator):
    account = simulator.http.get(f"{simulator.url}/control-api/sendgrid/accounts").json()["data"][0]
    url = f"{simulator.url}/control-api/sendgrid/accounts/{account['id']}/webhooks"

    answer = simulator.http.post(url, json={"url": "http://127.0.0.1:9/"})

    assert "not simulated" in answer.json()["error"]


def test_a_slow_receiver_keeps_no_other_waiting(simulator, receiver, other_receiver):
    other_was_told, waits = threading.Event(), []
    # Longer the sender does not wait.
    receiver.hold = lambda: waits.append(other_was_told.wait(4))
    other_receiver.hold = other_was_told.set
    listen(simulator, "stripe", receiver)
    listen(simulator, "linear", other_receiver)

    beat(simulator, "stripe")
    receiver.wait(1)
    beat(simulator, "linear")

    other_receiver.wait(1)
    with receiver.came:
        assert receiver.came.wait_for(lambda: waits, 30)
    assert waits[0]
