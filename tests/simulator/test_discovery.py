"""What official clients ask before they read: who calls, what there is, and about a token."""

import pytest

from tests.simulator.customer import Customer
from tests.simulator.test_github import ARRAKIS_INC, PAUL, App
from tests.simulator.test_living_rows import new_token

DOMAIN = "https://arrakis.my.salesforce.com"


def test_salesforce_tells_versions_objects_fields_and_who_calls(simulator):
    him = Customer(simulator, "salesforce")
    token = him.connect()["access_token"]

    versions = him.call(f"{DOMAIN}/services/data/", "none").json()
    path = f"{DOMAIN}{versions[-1]['url']}/sobjects"
    contact = next(
        one for one in him.call(path, token).json()["sobjects"] if one["name"] == "Contact"
    )
    described = him.call(f"{DOMAIN}{contact['urls']['describe']}", token).json()
    user = him.call(f"{DOMAIN}/services/oauth2/userinfo", token).json()

    assert {"Id", "LastName", "SystemModstamp"} <= {one["name"] for one in described["fields"]}
    assert user["organization_id"] == him.account
    assert him.call(f"{path}/Nothing/describe", token).status_code == 404


def test_salesforce_introspects_a_token_for_its_client_alone(simulator):
    him = Customer(simulator, "salesforce")
    token = him.connect()["access_token"]
    him.token_url = f"{DOMAIN}/services/oauth2/introspect"

    assert him.post({"token": token}).json()["scope"] == "api refresh_token"
    assert him.post({"token": "none"}).json() == {"active": False}
    assert him.post({"token": token}, secret="wrong").status_code == 400


def test_hubspot_tells_owners_page_by_page(simulator):
    him = Customer(simulator, "hubspot")
    token = him.connect()["access_token"]
    url = "https://api.hubapi.com/crm/owners/2026-03"

    first = him.call(f"{url}?limit=3", token).json()
    after = first["paging"]["next"]["after"]
    last = him.call(f"{url}?limit=3&after={after}", token).json()
    one = first["results"][0]

    assert [len(page["results"]) for page in (first, last)] == [3, 2]
    assert "paging" not in last
    assert him.call(f"{url}/{one['id']}", token).json() == one
    assert him.call(f"{url}?email={one['email']}", token).json()["results"] == [one]
    assert him.call(f"{url}/99", token).status_code == 404


def test_github_tells_installations_and_has_long_tokens(simulator):
    app = App(simulator)
    app.install()

    found = app.call("GET", "/app/installations", app.jwt()).json()
    token = app.call("POST", f"/app/installations/{PAUL}/access_tokens", app.jwt()).json()["token"]

    assert [one["id"] for one in found] == [PAUL]
    assert token.count(".") == 2
    assert 450 < len(token) < 650


def test_github_tells_installations_page_by_page(simulator):
    app = App(simulator)
    for account in ("paul-atreides", "arrakis-inc"):
        app.install(account)

    first = app.call("GET", "/app/installations?per_page=1")
    following = first.links["next"]["url"].removeprefix("https://api.github.com")
    last = app.call("GET", following)

    assert [one["id"] for page in (first, last) for one in page.json()] == [PAUL, ARRAKIS_INC]
    assert "next" not in last.links


@pytest.mark.parametrize(("scopes", "status"), [("openid", 200), ("", 401)])
def test_quickbooks_tells_who_connected_to_a_token_with_openid(simulator, scopes, status):
    urls = (
        "https://appcenter.intuit.com/connect/oauth2",
        "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    )
    scope = f"com.intuit.quickbooks.accounting {scopes}".strip()
    token = new_token(simulator, "quickbooks", "", "4620816365001234567", urls, scope=scope)
    url = "https://accounts.platform.intuit.com/v1/openid_connect/userinfo"

    answer = simulator.http.get(
        simulator.url_for(url), headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == status
