"""Pages without a login: a session is made only for an address that is valid."""

from http.cookies import Morsel

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from sequin_admin.connect import authorization_requests, links
from sequin_admin.credentials import kinds
from tests.factories import make_oauth_app

BACK = "https://product.test/callback"
UNKNOWN = "x" * 43
NOBODY = "7d8f6f9e-3c1b-4c59-8d61-5a0a7a5c0b11"


@pytest.fixture
def started(organization):
    """The path of a start address."""
    app = make_oauth_app(organization, "hubspot", redirect_uris=[BACK])
    url = authorization_requests.start(
        organization, kinds.get("hubspot_oauth2"), actor=None, redirect_url=BACK, oauth_app=app
    )
    return "/link/" + url.split("/link/")[1]


@pytest.mark.parametrize("method", ["get", "post", "head"])
@pytest.mark.parametrize(
    "path",
    [
        f"/link/oauth2/start/{UNKNOWN}",
        f"/link/connect/{UNKNOWN}",
        f"/link/{NOBODY}/",
        f"/link/{NOBODY}/stripe_key/",
        f"/link/{NOBODY}/thanks/",
        "/link/oauth2/callback/hubspot?state=x&code=y",
        f"/link/github/install/{NOBODY}",
        "/link/oauth2/token",
    ],
)
def test_an_address_that_opens_nothing_leaves_no_session(db, method, path):
    for browser in (Client(), Client(headers={"Cookie": "sessionid=chosenbysomebodyelse"})):
        answer = getattr(browser, method)(path)

        assert answer.status_code >= 400
        # An unknown one is deleted.
        assert not answer.cookies.get("sessionid", Morsel()).value

    assert not Session.objects.exists()


def test_a_valid_address_has_one_and_a_used_one_makes_no_more(started):
    first = Client().get(started)
    second = Client().get(started)

    assert (first.status_code, second.status_code) == (302, 410)
    assert "sessionid" in first.cookies
    assert Session.objects.count() == 1


def test_a_link_that_is_over_makes_none(organization):
    link = links.create(organization, [kinds.get("stripe_key")], actor=None)
    path = f"/link/connect/{link.secrets['token']}"
    links.revoke(link, actor=None)

    assert Client().get(path).status_code == 410
    assert not Session.objects.exists()
