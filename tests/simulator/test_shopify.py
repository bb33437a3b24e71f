"""Shopify's own rules, over plain HTTP."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

SHOP = "shop-001.myshopify.com"
API = f"https://{SHOP}/admin/api/2026-10"


@pytest.fixture
def token(simulator):
    """An offline token without expiry."""
    app = simulator.app("shopify")
    pair = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    query = {"client_id": pair["client_id"], "redirect_uri": app["redirect_uris"][0]}
    asked = urlencode({**query, "scope": "read_products,read_orders", "state": "s1"})
    url = f"https://{SHOP}/admin/oauth/authorize?{asked}"
    back = dict(parse_qsl(urlsplit(simulator.consent(url, account=SHOP)).query))
    url = simulator.url_for(f"https://{SHOP}/admin/oauth/access_token")
    return simulator.http.post(url, json={**pair, "code": back["code"]}).json()["access_token"]


@pytest.fixture
def read(simulator, token):
    def get(url):
        return simulator.http.get(simulator.url_for(url), headers={"X-Shopify-Access-Token": token})

    return get


def test_a_token_opens_its_shop_and_tells_its_rights(read):
    shop = read(f"{API}/shop.json").json()["shop"]
    scopes = read(f"https://{SHOP}/admin/oauth/access_scopes.json").json()["access_scopes"]

    assert (shop["name"], shop["myshopify_domain"]) == ("Spice Emporium", SHOP)
    assert scopes == [{"handle": "read_products"}, {"handle": "read_orders"}]


def test_products_come_in_pages_that_are_linked(read):
    first = read(f"{API}/products.json?limit=3")
    last = read(first.links["next"]["url"])

    assert first.links["next"]["url"].startswith(f"{API}/products.json?")
    assert [len(page.json()["products"]) for page in (first, last)] == [3, 2]
    assert "Link" not in last.headers


def test_every_answer_tells_how_full_the_bucket_is(read):
    assert read(f"{API}/shop.json").headers["X-Shopify-Shop-Api-Call-Limit"] == "1/40"
