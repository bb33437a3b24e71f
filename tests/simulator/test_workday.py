"""The simulated Workday behaves as its documentation says, over plain HTTP."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.simulator_server import CALLBACK_BASE

HOST, TENANT = "https://wd2-impl-services1.workday.com", "arrakis_dpt1"
CALLBACK = f"{CALLBACK_BASE}/link/oauth2/callback/workday"
SOAP = """<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><w:Security
xmlns:w="wsse"><w:UsernameToken><w:Username>{username}</w:Username><w:Password
Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
>{password}</w:Password></w:UsernameToken></w:Security></e:Header><e:Body/></e:Envelope>"""


@pytest.fixture
def ask(simulator):
    """A token request with Basic authentication; `changes` replace form fields."""

    def post(tenant=TENANT, *, secret="", **changes):
        app = simulator.app("workday", tenant)
        form = {"grant_type": "refresh_token", "refresh_token": app["refresh_token"], **changes}
        url = simulator.url_for(f"https://{app['host']}/ccx/oauth2/{tenant}/token")
        return simulator.http.post(
            url, data=form, auth=(app["client_id"], secret or app["client_secret"])
        )

    return post


@pytest.fixture
def read(simulator):
    def get(token, path="workers", host=HOST, tenant=TENANT):
        headers = {"Authorization": f"Bearer {token}"}
        url = simulator.url_for(f"{host}/ccx/api/v1/{tenant}/{path}")
        return simulator.http.get(url, headers=headers)

    return get


@pytest.fixture
def call(simulator):
    """A valid SOAP call as the integration user; `changes` make it invalid."""

    def post(**changes):
        known = simulator.account("workday", TENANT)
        login = {"username": known["username"], "password": known["password"], **changes}
        url = simulator.url_for(f"{HOST}/ccx/service/{TENANT}/Human_Resources/v44.0")
        return simulator.http.post(url, content=SOAP.format(**login))

    return post


def test_the_issued_refresh_token_opens_the_tenant(ask, read):
    answer = ask().json()

    assert answer["expires_in"] == 3600
    assert "refresh_token" not in answer
    assert read(answer["access_token"]).json()["total"] == 5


def test_workers_come_in_pages(ask, read):
    token = ask().json()["access_token"]
    pages = [read(token, f"workers?limit=2&offset={start}").json() for start in (0, 2, 4)]

    assert [len(page["data"]) for page in pages] == [2, 2, 1]
    assert len(read(token, "workers?limit=x&offset=-1").json()["data"]) == 5


def test_another_tenant_names_no_lifetime(ask):
    answer = ask("giedi_prime1").json()

    assert "expires_in" not in answer
    assert answer["refresh_token"]


def test_an_integration_user_has_no_worker_record(ask, read):
    token = ask().json()["access_token"]

    assert read(token, "workers/me").status_code == 404


def test_the_client_authenticates_with_basic_only(simulator):
    app = simulator.app("workday", TENANT)
    url = simulator.url_for(f"{HOST}/ccx/oauth2/{TENANT}/token")

    answer = simulator.http.post(url, data={"grant_type": "refresh_token", **app})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_wrong_secret_or_refresh_token_is_refused(ask):
    assert ask(secret="wrong").json()["error"] == "invalid_client"
    assert ask(refresh_token="wrong").json()["error"] == "invalid_grant"


def test_the_refresh_token_stays_until_it_is_told_to_rotate(ask, simulator):
    old = simulator.app("workday", TENANT)["refresh_token"]
    assert ask().status_code == ask().status_code == 200
    simulator.act("workday", TENANT, "rotate_refresh_token")

    new = ask().json()["refresh_token"]

    assert new != old
    assert ask().json()["error"] == "invalid_grant"
    assert ask(refresh_token=new).status_code == 200


def test_the_interactive_flow_issues_a_refresh_token(ask, simulator):
    app = simulator.app("workday", TENANT)
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": CALLBACK,
        "state": "s" * 22,
    }
    url = f"https://impl.workday.com/{TENANT}/authorize?{urlencode(query)}"
    back = parse_qs(urlsplit(simulator.consent(url, account=TENANT)).query)

    answer = ask(grant_type="authorization_code", code=back["code"][0], redirect_uri=CALLBACK)

    assert ask(refresh_token=answer.json()["refresh_token"]).status_code == 200


def test_a_token_of_one_tenant_opens_no_other(ask, read):
    token = ask("giedi_prime1").json()["access_token"]

    assert read(token).status_code == 401


def test_a_lost_domain_permission_is_403(ask, read, simulator):
    token = ask().json()["access_token"]
    simulator.act("workday", TENANT, "drop_scope")

    assert read(token).status_code == 403


def test_soap_takes_the_integration_users_login(call):
    answer = call()

    assert answer.status_code == 200
    assert "<wd:Total_Results>5<" in answer.text


@pytest.mark.parametrize(
    "changes",
    [{"password": "wrong"}, {"username": "ISU_Sequin"}, {"username": "Feyd@arrakis_dpt1"}],
)
def test_a_wrong_login_is_a_fault_with_500(call, changes):
    answer = call(**changes)

    assert answer.status_code == 500
    assert "invalid username or password" in answer.text


@pytest.mark.parametrize(
    ("switch", "text"),
    [
        ("change_password", "invalid username or password"),
        ("disable_user", "invalid username or password"),
        ("drop_scope", "not authorized"),
        ("throttle", "Try again later"),
    ],
)
def test_soap_says_everything_with_500(call, simulator, switch, text):
    login = simulator.account("workday", TENANT)
    simulator.act("workday", TENANT, switch)

    answer = call(password=login["password"])

    assert answer.status_code == 500
    assert text in answer.text


def test_rest_is_throttled_with_429(ask, read, simulator):
    token = ask().json()["access_token"]
    simulator.act("workday", TENANT, "throttle")

    assert read(token).status_code == 429


def test_reports_take_basic(simulator):
    known = simulator.account("workday", TENANT)
    url = simulator.url_for(f"{HOST}/ccx/service/customreport2/{TENANT}/ISU_Sequin/Workers")

    answer = simulator.http.get(url, auth=(known["username"], known["password"]))

    assert len(answer.json()["Report_Entry"]) == 5
    assert simulator.http.get(url, auth=(known["username"], "wrong")).status_code == 401
