"""Rows that live: the oracle agrees with readers that know only what is documented."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.simulator.customer import PKCE, VERIFIER, Customer
from tests.simulator.readers import (
    AirtableReader,
    Caller,
    GitHubReader,
    HubSpotReader,
    LinearReader,
    NetSuiteReader,
    QuickBooksReader,
    Reader,
    SalesforceReader,
    ShopifyReader,
    StripeReader,
)
from tests.simulator.test_github import PAUL, App
from tests.simulator_server import Simulator

DAY_S = 86_400
HUBSPOT_SCOPES = "oauth crm.objects.contacts.read crm.objects.contacts.write"


def stripe(simulator: Simulator) -> Reader:
    key = simulator.account("stripe", "acct_1Arrakis0000001")["secret_key"]
    return StripeReader(Caller(simulator, "https://api.stripe.com", lambda: key))


def hubspot(simulator: Simulator) -> Reader:
    him = Customer(simulator, "hubspot")
    refresh = him.connect(scope=HUBSPOT_SCOPES)["refresh_token"]

    def token() -> str:
        return str(him.refresh(refresh).json()["access_token"])

    return HubSpotReader(Caller(simulator, "https://api.hubapi.com", token))


def github(simulator: Simulator) -> Reader:
    app = App(simulator)
    app.install()

    def token() -> str:
        at = int(datetime.fromisoformat(simulator.state()["now"]).timestamp())
        signed = app.jwt(iat=at - 60, exp=at + 540)
        path = f"/app/installations/{PAUL}/access_tokens"
        return str(app.call("POST", path, signed).json()["token"])

    return GitHubReader(Caller(simulator, "https://api.github.com", token))


def airtable(simulator: Simulator) -> Reader:
    him = Customer(simulator, "airtable")
    refresh = [him.connect(scope="data.records:read data.records:write")["refresh_token"]]

    def token() -> str:
        tokens = him.refresh(refresh[0]).json()
        refresh[0] = tokens["refresh_token"]
        return str(tokens["access_token"])

    return AirtableReader(Caller(simulator, "https://api.airtable.com", token, pause_s=31))


def salesforce(simulator: Simulator) -> Reader:
    him = Customer(simulator, "salesforce")
    refresh = him.connect()["refresh_token"]

    def token() -> str:
        return str(him.refresh(refresh).json()["access_token"])

    return SalesforceReader(Caller(simulator, "https://arrakis.my.salesforce.com", token))


def shopify(simulator: Simulator, scope: str = "write_products") -> Reader:
    app = simulator.app("shopify")
    pair = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    query = {"client_id": pair["client_id"], "redirect_uri": app["redirect_uris"][0]}
    asked = urlencode({**query, "scope": scope, "state": "s1"})
    base = "https://shop-001.myshopify.com"

    def token() -> str:
        back = simulator.consent(f"{base}/admin/oauth/authorize?{asked}", account=base[8:])
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        url = simulator.url_for(f"{base}/admin/oauth/access_token")
        return str(simulator.http.post(url, json={**pair, "code": code}).json()["access_token"])

    return ShopifyReader(Caller(simulator, base, token, header="X-Shopify-Access-Token"))


def new_token(
    simulator: Simulator,
    provider: str,
    owner: str,
    account: str,
    urls: tuple[str, str],
    **extra: str,
) -> str:
    """An access token after consent, for an app that signs in by Basic."""
    app = simulator.app(provider, owner)
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": app["redirect_uris"][0],
        "state": "s" * 43,
        **extra,
        **PKCE,
    }
    back = simulator.consent(f"{urls[0]}?{urlencode(query)}", account=account)
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    fields = {"code": code, "redirect_uri": query["redirect_uri"], "code_verifier": VERIFIER}
    answer = simulator.http.post(
        simulator.url_for(urls[1]),
        data={"grant_type": "authorization_code", **fields},
        auth=(app["client_id"], app["client_secret"]),
    )
    return str(answer.json()["access_token"])


def quickbooks(simulator: Simulator) -> Reader:
    urls = (
        "https://appcenter.intuit.com/connect/oauth2",
        "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    )
    realm, scope = "4620816365001234567", "com.intuit.quickbooks.accounting"

    def token() -> str:
        return new_token(simulator, "quickbooks", "", realm, urls, scope=scope)

    base = "https://quickbooks.api.intuit.com"
    return QuickBooksReader(Caller(simulator, base, token, Accept="application/json"))


def netsuite(simulator: Simulator) -> Reader:
    base = "https://7654321.suitetalk.api.netsuite.com"
    urls = (
        "https://7654321.app.netsuite.com/app/login/oauth2/authorize.nl",
        f"{base}/services/rest/auth/oauth2/v1/token",
    )

    def token() -> str:
        owner = "7654321"
        return new_token(simulator, "netsuite", owner, owner, urls, scope="rest_webservices")

    return NetSuiteReader(Caller(simulator, base, token, Prefer="transient"))


def linear(simulator: Simulator) -> Reader:
    him = Customer(simulator, "linear")
    refresh = [him.connect()["refresh_token"]]

    def token() -> str:
        tokens = him.refresh(refresh[0]).json()
        refresh[0] = tokens["refresh_token"]
        return str(tokens["access_token"])

    return LinearReader(Caller(simulator, "https://api.linear.app", token))


READERS: dict[str, tuple[Callable[[Simulator], Reader], str, str]] = {
    "stripe": (stripe, "acct_1Arrakis0000001", "customers"),
    "hubspot": (hubspot, "21902692", "contacts"),
    "github": (github, "paul-atreides", "sietch/issues"),
    "airtable": (airtable, "usrziLeD23j9AJ1", "appArrakis0000001/tblSpice000000001"),
    "salesforce": (salesforce, "00D5g000004ArrakEA", "Contact"),
    "shopify": (shopify, "shop-001.myshopify.com", "products"),
    "quickbooks": (quickbooks, "4620816365001234567", "Invoice"),
    "netsuite": (netsuite, "7654321", "customer"),
    "linear": (linear, "abc123", "issues"),
}


def read_for(
    simulator: Simulator, provider: str, *, rows: int, changes: int, polls: int
) -> tuple[Reader, dict[str, object]]:
    """A reader that polls for a simulated day, and what the oracle knows then."""
    make, account, collection = READERS[provider]
    simulator.stop_clock()
    simulator.set_count(provider, account, rows, collection)
    reader = make(simulator)
    simulator.set_heart(provider, account, changes / 24)
    reader.backfill()
    for _ in range(polls):
        simulator.clock(DAY_S / polls)
        reader.poll()
    simulator.set_heart(provider, account, 0)
    simulator.clock(60)
    reader.poll()
    reader.finish()
    known = simulator.rows(provider, account, collection)
    return reader, known


@pytest.mark.parametrize("provider", READERS)
def test_a_reader_knows_what_the_oracle_knows_after_some_changes(simulator, provider):
    reader, known = read_for(simulator, provider, rows=60, changes=150, polls=3)

    assert reader.rows == {one["id"]: one["row"] for one in known["rows"]}
    assert known["count"] == len(reader.rows)
    assert len(known["tombstones"]) > 15


@pytest.mark.faults
@pytest.mark.parametrize("provider", READERS)
def test_a_reader_keeps_up_with_a_day_of_2000_changes(simulator, provider):
    reader, known = read_for(simulator, provider, rows=2_400, changes=2_000, polls=48)

    assert reader.rows == {one["id"]: one["row"] for one in known["rows"]}
    assert known["count"] == len(reader.rows)
    assert len(known["tombstones"]) > 250


def write_stripe(caller: Caller) -> tuple[str, str, str]:
    path = "/v1/customers"
    kept = caller.call("POST", path, data={"name": "Kept", "metadata[plan]": "pro"}).json()["id"]
    gone = caller.call("POST", path, data={"name": "Gone"}).json()["id"]
    old = caller.get(path, limit=1, starting_after=gone)["data"][0]["id"]
    caller.call("POST", f"{path}/{kept}", data={"name": "Changed"})
    caller.call("POST", f"{path}/{old}", data={"name": "Changed"})
    caller.call("DELETE", f"{path}/{gone}")
    return kept, old, gone


def write_hubspot(caller: Caller) -> tuple[str, str, str]:
    path, old = "/crm/objects/2026-03/contacts", "3"
    kept, gone = (
        caller.call("POST", path, json={"properties": {"firstname": name}}).json()["id"]
        for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        caller.call("PATCH", f"{path}/{one}", json={"properties": {"firstname": "Changed"}})
    caller.call("DELETE", f"{path}/{gone}")
    return kept, old, gone


def write_github(caller: Caller) -> tuple[str, str, str]:
    path, old = "/repos/paul-atreides/sietch/issues", "3"
    kept = str(caller.call("POST", path, json={"title": "Kept"}).json()["number"])
    for one in (kept, old):
        caller.call("PATCH", f"{path}/{one}", json={"title": "Changed"})
    return kept, old, ""


def write_airtable(caller: Caller) -> tuple[str, str, str]:
    path = AirtableReader.path
    old = caller.get(path, pageSize=1)["records"][0]["id"]
    kept, gone = (
        caller.call("POST", path, json={"fields": {"Name": name}}).json()["id"]
        for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        caller.call("PATCH", f"{path}/{one}", json={"fields": {"Name": "Changed"}})
    caller.call("DELETE", f"{path}/{gone}")
    return kept, old, gone


def write_salesforce(caller: Caller) -> tuple[str, str, str]:
    path = f"{SalesforceReader.path}/sobjects/Contact"
    soql = "SELECT Id FROM Contact ORDER BY Id LIMIT 1"
    old = caller.get(f"{SalesforceReader.path}/query", q=soql)["records"][0]["Id"]
    kept, gone = (
        caller.call("POST", path, json={"LastName": name}).json()["id"] for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        caller.call("PATCH", f"{path}/{one}", json={"LastName": "Changed"})
    caller.call("DELETE", f"{path}/{gone}")
    return kept, old, gone


def write_shopify(caller: Caller) -> tuple[str, str, str]:
    path, old = f"{ShopifyReader.path}/products", "8000000003"
    kept, gone = (
        str(
            caller.call("POST", f"{path}.json", json={"product": {"title": name}}).json()[
                "product"
            ]["id"]
        )
        for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        caller.call("PUT", f"{path}/{one}.json", json={"product": {"title": "Changed"}})
    caller.call("DELETE", f"{path}/{gone}.json")
    return kept, old, gone


def write_quickbooks(caller: Caller) -> tuple[str, str, str]:
    path, old = f"{QuickBooksReader.path}/invoice", "3"
    kept, gone = (
        caller.call("POST", path, json={"DocNumber": name}).json()["Invoice"]["Id"]
        for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        known = caller.get(f"{path}/{one}")["Invoice"]
        caller.call("POST", path, json={**known, "DocNumber": "Changed"})
    known = caller.get(f"{path}/{gone}")["Invoice"]
    caller.call("POST", f"{path}?operation=delete", json=known)
    return kept, old, gone


def write_netsuite(caller: Caller) -> tuple[str, str, str]:
    path, old = "/services/rest/record/v1/customer", "3"
    kept, gone = (
        caller.call("POST", path, json={"companyName": name}).headers["location"].split("/")[-1]
        for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        caller.call("PATCH", f"{path}/{one}", json={"companyName": "Changed"})
    caller.call("DELETE", f"{path}/{gone}")
    return kept, old, gone


def write_linear(caller: Caller) -> tuple[str, str, str]:
    def write(name: str, given: str) -> str:
        query = f"mutation {{ issue{name}({given}) {{ success entity: issue {{ id }} }} }}"
        body = {"query": query.replace("entity: issue", "entity") if name == "Delete" else query}
        written = caller.call("POST", "/graphql", json=body).json()["data"][f"issue{name}"]
        return str(written["entity"]["id"])

    body = {"query": '{ issue(id: "ARR-3") { id } viewer { id } team(id: "ARR") { id } }'}
    known = caller.call("POST", "/graphql", json=body).json()["data"]
    old, team = known["issue"]["id"], known["team"]["id"]
    kept, gone = (
        write("Create", f'input: {{teamId: "{team}", title: "{name}"}}')
        for name in ("Kept", "Gone")
    )
    for one in (kept, old):
        write("Update", f'id: "{one}", input: {{title: "Changed"}}')
    write("Delete", f'id: "{gone}"')
    return kept, old, gone


WRITERS = {
    "stripe": write_stripe,
    "hubspot": write_hubspot,
    "github": write_github,
    "airtable": write_airtable,
    "salesforce": write_salesforce,
    "shopify": write_shopify,
    "quickbooks": write_quickbooks,
    "netsuite": write_netsuite,
    "linear": write_linear,
}


@pytest.mark.parametrize("provider", WRITERS)
def test_what_is_written_stands_in_the_oracle_and_reaches_readers(simulator, provider):
    make, account, collection = READERS[provider]
    simulator.set_count(provider, account, 30, collection)
    reader = make(simulator)
    reader.backfill()
    before = simulator.state()["now"]

    kept, old, gone = WRITERS[provider](reader.caller)

    simulator.clock(60)
    reader.poll()
    reader.finish()
    known = simulator.rows(provider, account, collection)
    rows = {one["id"]: one["row"] for one in known["rows"]}
    assert reader.rows == rows
    assert "Changed" in str(rows[kept])
    assert "Changed" in str(rows[old])
    assert known["count"] == len(rows) == 31
    assert [one["id"] for one in known["tombstones"]] == ([gone] if gone else [])
    earlier = simulator.rows(provider, account, collection, at=before)
    assert earlier["count"] == len(earlier["rows"]) == 30
    assert "Changed" not in str(earlier["rows"])


def test_the_same_seed_brings_the_same_rows_at_the_same_times(simulator):
    def rows(**options: str) -> object:
        simulator.post("reset", at="2026-11-02T00:00:00Z", **options)
        simulator.set_heart("stripe", "acct_1Arrakis0000001", 500)
        simulator.clock(7_200)
        return simulator.rows("stripe", "acct_1Arrakis0000001", "customers")

    first, again, other = rows(), rows(), rows(seed="caladan")

    assert first == again
    assert first != other


def test_other_accounts_and_providers_have_other_rows(simulator):
    ours = simulator.rows("hubspot", "21902692", "contacts")["rows"]
    theirs = simulator.rows("hubspot", "33011844", "contacts")["rows"]

    assert len(ours) == len(theirs) == 2_400
    assert ours[0]["row"] != theirs[0]["row"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("collection=cars", "no 'cars'"),
        ("at=soon", "ISO 8601"),
        ("after=x", "number of a row"),
    ],
)
def test_a_wrong_question_to_the_oracle_is_told_in_a_sentence(simulator, query, word):
    answer = simulator.http.get(f"{simulator.url}/control/hubspot/21902692/rows?{query}")

    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_the_control_page_sets_the_heart_and_shows_how_many_rows_there_are(simulator):
    page = f"{simulator.url}/control/hubspot/21902692/"
    simulator.http.post(f"{page}heart", data={"per_hour": "12.5"})
    simulator.http.post(f"{page}heart", data={"count": "100000"})

    shown = simulator.http.get(page).text

    assert "12.5 changes an hour" in shown
    assert shown.count("100,000</td>") == 4
    for wrong in ({"per_hour": "x"}, {"per_hour": "nan"}, {"count": "1.5"}, {"count": "-1"}):
        assert simulator.http.post(f"{page}heart", data=wrong).status_code == 400


def test_the_control_pages_of_the_other_six_say_that_their_rows_are_fixed(simulator):
    pages = dict[str, str]()
    for provider, known in simulator.state()["providers"].items():
        account = next(iter(known["accounts"]))
        pages[provider] = simulator.http.get(f"{simulator.url}/control/{provider}/{account}/").text

    fixed = {provider for provider, page in pages.items() if "rows are fixed" in page}
    assert fixed == {"auth0", "checkout_champ", "marketo", "sendgrid", "servicenow", "workday"}
    assert {provider for provider, page in pages.items() if "heart" in page} == set(READERS)
