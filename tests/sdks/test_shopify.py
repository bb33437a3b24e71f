"""Shopify's own SDK (ShopifyAPI) against the simulated Shopify."""

import json

import pytest
import shopify
from pyactiveresource.connection import ClientError, UnauthorizedAccess

SHOP, VERSION = "shop-001.myshopify.com", "2026-10"
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    app = simulator.app("shopify")
    shopify.Session.setup(api_key=app["client_id"], secret=app["client_secret"])
    return app


@pytest.fixture
def callback(app, consent):
    """The signed parameters of the callback after consent."""
    scopes = ["write_products", "read_orders"]
    session = shopify.Session(SHOP, VERSION)
    url = session.create_permission_url(scopes, app["redirect_uris"][0], "s")
    return consent(url, SHOP)


@pytest.fixture
def session(callback):
    session = shopify.Session(SHOP, VERSION)
    session.request_token(callback)
    shopify.ShopifyResource.activate_session(session)
    yield session
    shopify.ShopifyResource.clear_session()


def test_a_signed_callback_becomes_a_token(session):
    assert session.token.startswith("shpat_")
    assert session.access_scopes == shopify.ApiAccess("write_products,read_orders")


@pytest.mark.parametrize("name", ["code", "shop", "state", "timestamp", "host"])
def test_a_forged_callback_does_not_pass_for_signed(callback, name):
    assert shopify.Session.validate_params(callback)

    assert not shopify.Session.validate_params({**callback, name: "9999999999"})


def test_the_shop_and_our_rights_in_it_are_read(session):
    shop = shopify.Shop.current()

    assert (shop.name, shop.myshopify_domain) == ("Spice Emporium", SHOP)
    assert [one.handle for one in shopify.AccessScope.find()] == ["write_products", "read_orders"]


def test_pages_follow_one_another(simulator, session):
    simulator.set_count("shopify", SHOP, 5)
    pages = shopify.PaginatedIterator(shopify.Product.find(limit=2))

    titles = [[one.title for one in page] for page in pages]
    assert [len(page) for page in titles] == [2, 2, 1]
    assert len({title for page in titles for title in page}) == 5
    assert shopify.Limits.credit_limit() == 40


def test_what_is_written_is_read_back_and_stands_in_the_oracle(session, oracle):
    product = shopify.Product.create({"title": "Written"})

    product.title = "Changed"
    product.save()

    assert shopify.Product.find(product.id).title == "Changed"
    assert oracle("shopify", SHOP, "products")[str(product.id)]["title"] == "Changed"


def test_graphql_tells_the_shop(session):
    answer = json.loads(shopify.GraphQL().execute("{ shop { id name } }"))

    assert answer["data"]["shop"]["name"] == "Spice Emporium"


def test_a_revoked_token_is_unauthorized(simulator, session):
    simulator.act("shopify", SHOP, "revoke")

    with pytest.raises(UnauthorizedAccess):
        shopify.Product.find()


def test_too_many_calls_are_refused(simulator, session):
    simulator.act("shopify", SHOP, "throttle")

    with pytest.raises(ClientError) as refusal:
        shopify.Product.find()
    assert (refusal.value.code, refusal.value.response.headers["Retry-After"]) == (429, "2.0")
