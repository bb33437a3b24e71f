"""The simulated QuickBooks behaves as its documentation says, over plain HTTP."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.simulator_server import CALLBACK_BASE

REALM, SANDBOX_REALM = "4620816365001234567", "9130357849987654321"
TOKEN_URL = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
API, SANDBOX_API = "https://quickbooks.api.intuit.com", "https://sandbox-quickbooks.api.intuit.com"
CALLBACK = f"{CALLBACK_BASE}/link/oauth2/callback/quickbooks"
DAY_S = 86_400


@pytest.fixture
def authorize_url(simulator):
    def authorize_url(**changes):
        query = {
            "response_type": "code",
            "client_id": simulator.app("quickbooks")["client_id"],
            "redirect_uri": CALLBACK,
            "scope": "com.intuit.quickbooks.accounting",
            "state": "s" * 22,
            **changes,
        }
        return f"https://appcenter.intuit.com/connect/oauth2?{urlencode(query)}"

    return authorize_url


@pytest.fixture
def callback(simulator, authorize_url):
    """The callback's query after Allow."""

    def callback(account=REALM):
        back = simulator.consent(authorize_url(), account=account)
        return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}

    return callback


@pytest.fixture
def ask(simulator):
    """A token request with Basic authentication."""

    def post(**fields):
        app = simulator.app("quickbooks")
        url = simulator.url_for(TOKEN_URL)
        return simulator.http.post(url, data=fields, auth=(app["client_id"], app["client_secret"]))

    return post


@pytest.fixture
def connect(callback, ask):
    def connect(account=REALM):
        code = callback(account)["code"]
        return ask(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).json()

    return connect


@pytest.fixture
def refresh(ask):
    def refresh(value):
        return ask(grant_type="refresh_token", refresh_token=value)

    return refresh


@pytest.fixture
def read(simulator):
    def get(token, realm=REALM, api=API, path=None, accept="application/json"):
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        url = f"{api}/v3/company/{realm}/{path or f'companyinfo/{realm}'}"
        return simulator.http.get(simulator.url_for(url), headers=headers)

    return get


def code_of(answer):
    return answer.json()["Fault"]["Error"][0]["code"]


def test_the_callback_names_the_realm(callback):
    assert callback()["realmId"] == REALM


def test_a_token_opens_its_company(connect, read):
    answer = connect()

    assert answer["expires_in"] == 3600
    assert answer["x_refresh_token_expires_in"] == 8_640_000
    assert "scope" not in answer
    company = read(answer["access_token"])
    assert company.json()["CompanyInfo"]["CompanyName"] == "Arrakis"
    assert company.headers["intuit_tid"]


def test_who_does_not_ask_for_json_gets_xml(connect, read):
    token = connect()["access_token"]

    assert "xml" in read(token, accept="*/*").headers["content-type"]


def test_a_token_opens_no_other_company(connect, read):
    token = connect()["access_token"]

    refused = read(token, SANDBOX_REALM, SANDBOX_API)

    assert (refused.status_code, code_of(refused)) == (403, "3100")


def test_sandbox_companies_live_on_their_own_host(connect, read):
    token = connect(SANDBOX_REALM)["access_token"]

    assert read(token, SANDBOX_REALM, SANDBOX_API).status_code == 200
    assert code_of(read(token, SANDBOX_REALM, API)) == "3100"


def test_an_old_access_token_is_3200(connect, read, simulator):
    token = connect()["access_token"]
    simulator.clock(3601)

    refused = read(token)

    assert (refused.status_code, code_of(refused)) == (401, "3200")


def test_the_refresh_token_stays_for_a_day_and_then_changes(connect, refresh, simulator):
    first = connect()["refresh_token"]
    same = refresh(first).json()["refresh_token"]
    simulator.clock(DAY_S + 60)

    second = refresh(first).json()["refresh_token"]

    assert same == first
    assert second != first


def test_the_value_before_lives_one_day_more(connect, refresh, simulator):
    first = connect()["refresh_token"]
    simulator.clock(DAY_S + 60)
    second = refresh(first).json()["refresh_token"]

    assert refresh(first).json()["refresh_token"] == second
    simulator.clock(DAY_S + 60)
    assert refresh(first).json()["error"] == "invalid_grant"
    assert refresh(second).status_code == 200


def test_a_refresh_token_dies_of_idleness(connect, refresh, simulator):
    token = connect()["refresh_token"]
    simulator.clock(102 * DAY_S)

    assert refresh(token).json()["error"] == "invalid_grant"


def test_after_five_years_everything_is_over(connect, refresh, simulator):
    token = connect()["refresh_token"]
    for _ in range(20):
        simulator.clock(90 * DAY_S)
        token = refresh(token).json()["refresh_token"]
    simulator.clock(50 * DAY_S)

    assert refresh(token).json()["error"] == "invalid_grant"


def test_the_hard_end_is_told_on_request(callback, simulator):
    app = simulator.app("quickbooks")
    code = callback()["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}

    answer = simulator.http.post(
        simulator.url_for(TOKEN_URL),
        data=fields,
        auth=(app["client_id"], app["client_secret"]),
        headers={"x-include-refresh-token-hard-expires-in": "true"},
    )

    assert answer.json()["x_refresh_token_hard_expires_in"] > 4 * 365 * DAY_S


def test_a_code_works_once_and_only_for_its_redirect_uri(callback, ask):
    code = callback()["code"]
    fields = {"grant_type": "authorization_code", "code": code}

    assert ask(**fields, redirect_uri=f"{CALLBACK}/").json()["error"] == "invalid_grant"
    assert ask(**fields, redirect_uri=CALLBACK).status_code == 200
    assert ask(**fields, redirect_uri=CALLBACK).json()["error"] == "invalid_grant"


def test_the_client_authenticates_with_basic_only(simulator):
    fields = {"grant_type": "refresh_token", "refresh_token": "x", **simulator.app("quickbooks")}

    answer = simulator.http.post(simulator.url_for(TOKEN_URL), data=fields)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_state_is_required(simulator, authorize_url):
    answer = simulator.http.get(simulator.url_for(authorize_url(state="")))

    assert "error=invalid_request" in answer.headers["location"]


def test_an_unknown_redirect_uri_leads_nowhere(simulator, authorize_url):
    url = authorize_url(redirect_uri="https://evil.test/callback")

    answer = simulator.http.get(simulator.url_for(url))

    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_revoking_takes_json(connect, refresh, simulator):
    token, app = connect()["refresh_token"], simulator.app("quickbooks")
    url = simulator.url_for("https://developer.api.intuit.com/v2/oauth2/tokens/revoke")
    login = (app["client_id"], app["client_secret"])

    in_a_form = simulator.http.post(url, data={"token": token}, auth=login)
    in_json = simulator.http.post(url, json={"token": token}, auth=login)

    assert (in_a_form.status_code, in_json.status_code) == (400, 200)
    assert refresh(token).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("switch", "code"),
    [("take_rights_away", "5020"), ("end_subscription", "6190"), ("throttle", "3001")],
)
def test_faults_have_codes(connect, read, simulator, switch, code):
    token = connect()["access_token"]
    simulator.act("quickbooks", REALM, switch)

    assert code_of(read(token)) == code


def test_customers_can_be_queried(connect, read):
    token = connect()["access_token"]

    page = read(token, path="query?query=select * from Customer").json()

    assert len(page["QueryResponse"]["Customer"]) == 100


def test_a_statement_may_be_posted_and_ask_for_a_page(connect, simulator):
    simulator.set_count("quickbooks", REALM, 5)
    token = connect()["access_token"]
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Content-Type": "application/text",
    }
    statement = "SELECT * FROM Customer STARTPOSITION 4 MAXRESULTS 3"
    url = simulator.url_for(f"{API}/v3/company/{REALM}/query")

    found = simulator.http.post(url, content=statement, headers=headers).json()["QueryResponse"]

    assert (found["startPosition"], found["maxResults"]) == (4, 2)
    assert [one["Id"] for one in found["Customer"]] == ["4", "5"]


def test_captured_changes_are_the_latest_thousand_of_thirty_days(connect, read, simulator):
    simulator.stop_clock()
    start = simulator.state()["now"].replace("+00:00", "Z")
    simulator.set_heart("quickbooks", REALM, 60_000)
    simulator.clock(120)
    token = connect()["access_token"]

    path = f"cdc?entities=Invoice,Bill&changedSince={start}"
    parts = read(token, path=path).json()["CDCResponse"][0]["QueryResponse"]

    found = [one for part in parts for name in ("Invoice", "Bill") for one in part.get(name, [])]
    assert len(found) == 1_000
    assert {one.get("status") for one in found} == {None, "Deleted"}
    simulator.clock(31 * 86_400)
    token = connect()["access_token"]
    assert code_of(read(token, path=path)) == "4002"


def test_an_update_names_the_version_it_has_read(connect, read, simulator):
    token = connect()["access_token"]
    known = read(token, path="invoice/3").json()["Invoice"]

    def write(**body):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        url = simulator.url_for(f"{API}/v3/company/{REALM}/invoice")
        return simulator.http.post(url, json=body, headers=headers)

    first = write(Id="3", SyncToken=known["SyncToken"], DocNumber="A")
    second = write(Id="3", SyncToken=known["SyncToken"], DocNumber="B")

    assert first.json()["Invoice"]["DocNumber"] == "A"
    assert code_of(second) == "5010"


@pytest.mark.parametrize(("world", "users"), [("", "accounts"), ("sandbox_", "sandbox-accounts")])
def test_a_document_tells_where_everything_is(simulator, world, users):
    url = f"https://developer.intuit.com/.well-known/openid_{world}configuration/"

    known = simulator.http.get(simulator.url_for(url)).json()

    assert known["token_endpoint"] == TOKEN_URL
    assert known["userinfo_endpoint"].startswith(f"https://{users}.platform.intuit.com/")


def test_a_refused_token_request_can_be_traced(ask):
    assert ask(grant_type="refresh_token", refresh_token="unknown").headers["intuit_tid"]
