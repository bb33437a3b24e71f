"""Installing our app from the provider's side: Shopify opens its App URL."""

import pytest
from django.urls import reverse

from sequin_admin.access.models import Membership
from sequin_admin.access.policy import Role
from sequin_admin.connect.models import ConnectSession
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import protocol
from tests.factories import make_oauth_app

SHOP = "shop-001.myshopify.com"


@pytest.fixture
def app(make_app):
    return make_app("shopify")


@pytest.fixture
def opened(simulated, app):
    """The URL that Shopify opens when the merchant presses Install."""
    simulated.change_app("shopify", app_url=protocol.install_url(app))
    url = simulated.url_for(f"https://{SHOP}/admin/oauth/install?client_id={app.client_id}")
    return simulated.http.get(url).headers["location"]


def test_who_may_connect_goes_on_to_shopify_and_comes_back_connected(
    client, user, opened, simulated
):
    client.force_login(user)

    consent = client.get(opened)["Location"]
    back = simulated.consent(consent, account=SHOP)
    client.get(back)

    credential = Credential.objects.get()
    assert credential.properties["shop"] == SHOP
    assert credential.health_status == "healthy"


def test_a_merchant_is_told_to_ask_for_a_connect_link(client, opened, organization):
    answer = client.get(opened)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert f"Ask your contact at {organization} for a connect link" in page
    assert reverse("account_login") in page
    assert not ConnectSession.objects.exists()


@pytest.mark.parametrize("who", ["stranger", "viewer"])
def test_who_may_not_connect_is_told_so(client, opened, request, who):
    client.force_login(request.getfixturevalue(who))

    page = client.get(opened).content.decode()

    assert "somebody who may connect accounts there" in page
    assert not ConnectSession.objects.exists()


def test_who_works_in_another_organization_is_told_to_choose_this_one(
    client, stranger, opened, app
):
    Membership.objects.create(organization=app.organization, user=stranger, role=Role.MEMBER)
    client.force_login(stranger)

    assert f"choose {app.organization} in the sidebar" in client.get(opened).content.decode()

    client.post(
        reverse("dashboard:switch_organization"), {"organization": str(app.organization_id)}
    )
    client.get(opened)
    assert ConnectSession.objects.get().organization == app.organization


@pytest.mark.parametrize(
    "change",
    [
        ("hmac=", "hmac=0"),
        ("shop-001", "harkonnen"),
        ("timestamp=1", "timestamp=2"),
        ("?", "?more=1&"),
    ],
    ids=str,
)
def test_what_was_touched_is_refused(client, user, opened, change):
    client.force_login(user)

    answer = client.get(opened.replace(*change))

    assert answer.status_code == 400
    assert "was not opened by Shopify for this app" in answer.content.decode()
    assert not ConnectSession.objects.exists()


def test_what_is_too_old_is_refused(client, user, simulated, app):
    simulated.change_app("shopify", app_url=protocol.install_url(app))
    simulated.clock(-120)
    url = simulated.url_for(f"https://{SHOP}/admin/oauth/install?client_id={app.client_id}")
    opened = simulated.http.get(url).headers["location"]
    client.force_login(user)

    assert client.get(opened).status_code == 400


def test_an_unsigned_request_is_refused(client, app):
    assert client.get(protocol.install_url(app)).status_code == 400


def test_only_apps_of_providers_that_install_have_such_an_address(client, organization):
    app = make_oauth_app(organization, "hubspot")

    assert client.get(f"/link/hubspot/install/{app.pk}").status_code == 404
    assert client.get(f"/link/shopify/install/{app.pk}").status_code == 404


def test_the_apps_page_shows_the_address(client, user, app):
    client.force_login(user)

    page = client.get(reverse("dashboard:oauth_app", args=[app.pk])).content.decode()

    assert protocol.install_url(app) in page
