"""The simulated Shopify behaves as its documentation says, over plain HTTP."""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

SHOP = "shop-001.myshopify.com"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
APP_URL = "http://127.0.0.1:8000/link/shopify/install/x"
DAY_S = 86_400


@pytest.fixture
def app(simulator):
    return simulator.app("shopify")


@pytest.fixture
def post(simulator, app):
    """A call to the token endpoint; None leaves a field out."""

    def post(**fields):
        known = {"client_id": app["client_id"], "client_secret": app["client_secret"], **fields}
        sent = {name: value for name, value in known.items() if value is not None}
        url = simulator.url_for(f"https://{SHOP}/admin/oauth/access_token")
        return simulator.http.post(url, json=sent)

    return post


@pytest.fixture
def code(simulator, app):
    def code():
        query = {
            "client_id": app["client_id"],
            "scope": "read_products",
            "redirect_uri": app["redirect_uris"][0],
            "state": "s" * 22,
        }
        url = f"https://{SHOP}/admin/oauth/authorize?{urlencode(query)}"
        back = simulator.consent(url, account=SHOP)
        return dict(parse_qsl(urlsplit(back).query))["code"]

    return code


@pytest.fixture
def old(post, code):
    """A token without expiry."""
    return post(code=code()).json()["access_token"]


@pytest.fixture
def exchange(post, old):
    def exchange(**changes):
        fields = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": old,
            "subject_token_type": OFFLINE,
            "requested_token_type": OFFLINE,
            "expiring": "1",
        }
        return post(**{**fields, **changes})

    return exchange


@pytest.fixture
def read(simulator):
    def read(token):
        url = simulator.url_for(f"https://{SHOP}/admin/api/2026-10/products.json")
        return simulator.http.get(url, headers={"X-Shopify-Access-Token": token}).status_code

    return read


def signature(query, secret):
    pairs = sorted((name, value) for name, value in query.items() if name != "hmac")
    message = "&".join(f"{name}={value}" for name, value in pairs)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def test_only_who_asks_for_it_gets_a_token_that_ends(post, code):
    assert set(post(code=code()).json()) == {"access_token", "scope"}
    assert post(code=code(), expiring="1").json()["refresh_token_expires_in"] == 90 * DAY_S


def test_exchanging_ends_the_old_token(exchange, old, read):
    assert read(old) == 200

    pair = exchange().json()

    assert pair["expires_in"] == 3600
    assert pair["refresh_token"].startswith("shprt_")
    assert read(pair["access_token"]) == 200
    assert read(old) == 401


def test_an_exchange_asked_again_within_a_week_gets_the_same_pair(exchange, simulator, read):
    first = exchange().json()
    simulator.clock(6 * DAY_S)

    again = exchange().json()

    assert again == first
    assert read(again["access_token"]) == 200


def test_after_a_week_or_once_the_pair_was_refreshed_it_gets_nothing(exchange, simulator, post):
    pair = exchange().json()
    simulator.clock(8 * DAY_S)
    assert exchange().json()["error"] == "invalid_subject_token"
    simulator.clock(-8 * DAY_S)

    post(grant_type="refresh_token", refresh_token=pair["refresh_token"])

    assert exchange().json()["error"] == "invalid_subject_token"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expiring": "0"}, "invalid_request"),
        ({"expiring": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"subject_token": "shpat_nobodys"}, "invalid_subject_token"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)
def test_a_wrong_exchange_changes_nothing(exchange, old, read, changes, error):
    assert exchange(**changes).json()["error"] == error
    assert read(old) == 200


def test_the_exchange_of_a_token_that_expires_is_refused(exchange, post, code):
    token = post(code=code(), expiring="1").json()["access_token"]

    assert exchange(subject_token=token).json()["error"] == "invalid_subject_token"


def test_installing_opens_the_app_url_with_a_signature(simulator, app):
    simulator.change_app("shopify", app_url=APP_URL)
    url = simulator.url_for(f"https://{SHOP}/admin/oauth/install?client_id={app['client_id']}")

    target = urlsplit(simulator.http.get(url).headers["location"])

    query = dict(parse_qsl(target.query))
    assert target._replace(query="").geturl() == APP_URL
    assert query["shop"] == SHOP
    assert query["hmac"] == signature(query, app["client_secret"])


def test_an_app_without_address_cannot_be_installed_from_there(simulator, app):
    simulator.change_app("shopify", app_url="")
    url = simulator.url_for(f"https://{SHOP}/admin/oauth/install?client_id={app['client_id']}")

    assert simulator.http.get(url).status_code == 400
