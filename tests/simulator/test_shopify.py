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


def test_products_come_in_pages_that_are_linked(read, simulator):
    simulator.set_count("shopify", SHOP, 5)

    first = read(f"{API}/products.json?limit=3")
    last = read(first.links["next"]["url"])

    assert first.links["next"]["url"].startswith(f"{API}/products.json?")
    assert [len(page.json()["products"]) for page in (first, last)] == [3, 2]
    assert "Link" not in last.headers


def test_every_answer_tells_how_full_the_bucket_is(read):
    assert read(f"{API}/shop.json").headers["X-Shopify-Shop-Api-Call-Limit"] == "1/40"


def test_products_are_ordered_and_filtered_by_their_times(read):
    newest = read(f"{API}/products.json?order=updated_at desc&limit=4").json()["products"]
    at, last = newest[2]["updated_at"], newest[3]["id"]

    later = read(f"{API}/products.json?updated_at_min={at}").json()["products"]
    after = read(f"{API}/products.json?since_id={last}").json()["products"]
    before = read(f"{API}/products.json?created_at_max={at}&since_id={last}").json()["products"]

    assert [one["id"] for one in later] == [one["id"] for one in newest[2::-1]]
    assert after == later
    assert before == later[:1]
    assert read(f"{API}/products/count.json").json() == {"count": 2400}
    assert read(f"{API}/products/{last}.json").json() == {"product": newest[3]}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("products.json?limit=251", 400),
        ("products.json?page_info=x", 400),
        ("products.json?page_info=x&order=title", 400),
        ("products.json?updated_at_min=soon", 400),
        ("products/1.json", 404),
        ("customers.json", 403),
    ],
)
def test_what_a_list_cannot_be_is_refused(read, path, status):
    answer = read(f"{API}/{path}")

    assert (answer.status_code, list(answer.json())) == (status, ["errors"])
