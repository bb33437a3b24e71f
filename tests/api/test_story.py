"""The main workflow by API alone: connect, import, break, reconnect.

The customer uses a browser in between.
"""

import pytest
from django.test import Client

from sequin_admin.access.models import Scope
from tests.browser.test_story import ARRAKIS
from tests.simulator_server import local

OTHER = "33011844"
STRIPE_KEY = "sk_test_arrakis0000000000000001"
# Further properties that some providers' credentials need.
APP_FIELDS = ("app_id", "slug", "private_key")


@pytest.fixture
def api(make_client, organization):
    return make_client(organization, *Scope)


@pytest.fixture
def register(api, simulated):
    """Copy what the provider's developer page shows into a new OAuth app. Returns its id."""

    def register(provider):
        shown = simulated.app(provider)
        body = {
            "provider": provider,
            "name": f"Our {provider} app",
            "client_id": shown["client_id"],
            "client_secret": shown["client_secret"],
            "properties": {name: shown[name] for name in APP_FIELDS if name in shown},
        }
        return said(api.post("/v1/oauth-apps", body), 201)["id"]

    return register


@pytest.fixture
def send(api, simulated):
    """Make a connect link and let a customer follow it. Returns the updated link."""

    def send(body, kind, *, account, allow=True):
        link = said(api.post("/v1/connect-links", body), 201)
        customer = Client()
        customer.get(local(link["url"]), follow=True)
        sent = customer.post(f"/link/{link['id']}/{kind}/")
        back = simulated.consent(sent["Location"], account=account, allow=allow)
        customer.get(local(back), follow=True)
        return said(api.get(f"/v1/connect-links/{link['id']}"), 200)

    return send


def said(answer, status):
    assert answer.status_code == status, answer.content
    return answer.json()


def credential_of(api, link):
    """The credential of a completed link."""
    assert link["state"] == "completed", link["failure"]
    return said(api.get(f"/v1/credentials/{link['credential_id']}"), 200)


def imported(api, **properties):
    credential = said(api.post("/v1/credentials", {"properties": properties}), 201)
    assert credential["health"] == {"status": "healthy"}
    return credential


def test_the_main_job_by_api(api, register, send, simulated):
    app = register("hubspot")
    to_hubspot = {"kinds": ["hubspot_oauth2"], "oauth_app_id": app}

    denied = send(to_hubspot, "hubspot_oauth2", account=ARRAKIS, allow=False)
    assert "denied" in denied["failure"]
    assert said(api.get("/v1/credentials"), 200)["data"] == []

    hubspot = credential_of(api, send(to_hubspot, "hubspot_oauth2", account=ARRAKIS))
    assert hubspot["properties"]["hub_domain"] == "arrakis.io"
    assert hubspot["properties"]["refresh_token"] == "***********"
    assert "crm.objects.contacts.read" in hubspot["properties"]["scopes"]
    assert hubspot["health"] == {"status": "healthy"}

    stripe = imported(api, kind="stripe_key", name="Arrakis", test=True, secret=STRIPE_KEY)
    assert stripe["properties"]["account_id"] == "acct_1Arrakis0000001"
    assert STRIPE_KEY not in str(stripe)
    imported(api, kind="checkout_champ_password", login_id="user123", password="password123")
    for provider, kind, account in (
        ("airtable", "airtable_oauth2", "usrziLeD23j9AJ1"),
        ("github", "github_app", "paul-atreides"),
    ):
        body = {"kinds": [kind], "oauth_app_id": register(provider)}
        connected = credential_of(api, send(body, kind, account=account))
        assert connected["health"] == {"status": "healthy"}

    for action in ("revoke", "expire"):
        simulated.act("hubspot", ARRAKIS, action)
    broken = said(api.post(f"/v1/credentials/{hubspot['id']}/verify"), 200)
    assert broken["status"] == "customer_intervention"
    assert "HubSpot no longer accepts" in broken["reasons"][0]["sentence"]

    again = {"reconnects": hubspot["id"]}
    refused = send(again, "hubspot_oauth2", account=OTHER)
    assert "giedi-prime.net" in refused["failure"]
    assert "this credential is for arrakis.io" in refused["failure"]

    mended = credential_of(api, send(again, "hubspot_oauth2", account=ARRAKIS))
    assert (mended["id"], mended["health"]) == (hubspot["id"], {"status": "healthy"})
    found = said(api.get("/v1/credentials", kind="hubspot_oauth2"), 200)["data"]
    assert [one["id"] for one in found] == [hubspot["id"]]
