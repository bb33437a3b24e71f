"""Workday: every row of its error table, and the real calls at the simulator."""

from datetime import timedelta

import pytest

from sequin_admin.connect import tokens
from sequin_admin.connect.models import Token
from sequin_admin.core import http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from tests.providers.answers import answer

ARRAKIS, GIEDI_PRIME = "arrakis_dpt1", "giedi_prime1"
OAuth, Password = kinds.get("workday_oauth2"), kinds.get("workday_password")


@pytest.fixture
def save_client(simulated, save):
    def save_client(tenant=ARRAKIS):
        app = simulated.app("workday", tenant)
        names = ("host", "tenant", "client_id", "client_secret", "refresh_token")
        return save("workday_oauth2", **{name: app[name] for name in names})

    return save_client


@pytest.fixture
def save_login(simulated, save):
    def save_login(**changes):
        known = simulated.account("workday", ARRAKIS)
        login = {"username": known["username"], "password": known["password"], **changes}
        return save("workday_password", host=known["host"], tenant=ARRAKIS, **login)

    return save_login


def soap_fault(text):
    return f"<SOAP-ENV:Envelope><faultstring>{text}</faultstring></SOAP-ENV:Envelope>"


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    [
        (answer(400, {"error": "invalid_grant"}), Verdict.CUSTOMER, "invalid_grant"),
        (answer(400, {"error": "invalid_request"}), Verdict.CUSTOMER, "invalid_request"),
        (answer(401, {"error": "invalid_client"}), Verdict.CUSTOMER, "invalid_client"),
        (answer(503, "<h1>Maintenance</h1>"), Verdict.TRANSIENT, "unavailable"),
        (answer(429), Verdict.TRANSIENT, "throttled"),
    ],
)
def test_token_errors(response, verdict, code):
    outcome = OAuth.classify_token_error(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, False)


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    [
        (answer(200, {"total": 0, "data": []}), Verdict.OK, "ok"),
        (answer(401, {"error": "invalid_token"}), Verdict.REFRESH, "unauthorized"),
        (answer(403, {"error": "permission denied"}), Verdict.CUSTOMER, "not_authorized"),
        (answer(429), Verdict.TRANSIENT, "throttled"),
        (answer(503), Verdict.TRANSIENT, "unavailable"),
        (answer(200, "<h1>Maintenance</h1>"), Verdict.TRANSIENT, "not_json"),
    ],
)
def test_rest_errors(response, verdict, code):
    outcome = OAuth.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    [
        (answer(200, "<env:Envelope><Get_Workers_Response/>"), Verdict.OK, "ok"),
        (
            answer(500, soap_fault("invalid username or password")),
            Verdict.CUSTOMER,
            "login_refused",
        ),
        (
            answer(500, soap_fault("Invalid user name or password")),
            Verdict.CUSTOMER,
            "login_refused",
        ),
        (answer(401), Verdict.CUSTOMER, "login_refused"),
        (
            answer(500, soap_fault("The task submitted is not authorized.")),
            Verdict.CUSTOMER,
            "not_authorized",
        ),
        (answer(403), Verdict.CUSTOMER, "not_authorized"),
        (answer(500, soap_fault("Try again later")), Verdict.TRANSIENT, "unavailable"),
        (answer(503, "<h1>Maintenance</h1>"), Verdict.TRANSIENT, "unavailable"),
        (answer(200, "<h1>Maintenance</h1>"), Verdict.TRANSIENT, "not_json"),
    ],
)
def test_soap_errors(response, verdict, code):
    outcome = Password.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


@pytest.mark.parametrize("kind", [OAuth, Password])
def test_an_unknown_host_is_the_customers_to_correct(kind):
    outcome = kind.classify_unreachable(http.UnknownHost("There is no host named x."))

    assert outcome.verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "evil.test"),
        ("host", "workday.com.evil.test"),
        ("host", "evil.test/x.workday.com"),
        ("host", "user@wd2.workday.com"),
        ("tenant", "../admin"),
        ("tenant", ""),
        ("username", "ISU_Sequin"),
    ],
)
def test_addresses_and_logins_have_a_form(save, name, value):
    good = {"host": "wd2.workday.com", "tenant": ARRAKIS, "username": "a@b", "password": "c"}

    with pytest.raises(ValueError, match=name):
        save("workday_password", **{**good, name: value})


@pytest.mark.parametrize("tenant", [ARRAKIS, GIEDI_PRIME])
def test_a_pasted_refresh_token_works(save_client, tenant):
    credential = save_client(tenant)

    assert probes.verify(credential).ok
    assert credential.name == tenant


def test_a_token_that_names_no_end_is_renewed_after_an_hour(save_client):
    credential = save_client(GIEDI_PRIME)
    tokens.current(credential)

    token = Token.objects.get(pk=credential.pk)

    assert token.expires_at - token.issued_at == timedelta(hours=1)


def test_a_refresh_token_that_was_replaced_is_kept(save_client, simulated):
    credential = save_client()
    pasted = credential.secrets["refresh_token"]
    simulated.act("workday", ARRAKIS, "rotate_refresh_token")
    tokens.current(credential)

    stored = Credential.objects.get(pk=credential.pk)

    assert stored.secrets["refresh_token"] != pasted
    assert tokens.refresh(stored)


def test_a_login_works(save_login):
    assert probes.verify(save_login()).ok


def test_a_password_with_markup_in_it_arrives_whole(save_login, simulated):
    simulated.act("workday", ARRAKIS, "change_password", password="<&>\"'{x}")

    credential = save_login(password="<&>\"'{x}")

    assert probes.verify(credential).ok


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("revoke", Verdict.CUSTOMER),
        ("rotate_secret", Verdict.CUSTOMER),
        ("disable_user", Verdict.CUSTOMER),
        ("drop_scope", Verdict.CUSTOMER),
        ("throttle", Verdict.TRANSIENT),
        ("outage", Verdict.TRANSIENT),
    ],
)
def test_trouble_with_an_api_client(save_client, simulated, switch, verdict):
    credential = save_client()
    simulated.act("workday", ARRAKIS, switch)

    assert probes.verify(credential).verdict is verdict


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("change_password", Verdict.CUSTOMER),
        ("disable_user", Verdict.CUSTOMER),
        ("drop_scope", Verdict.CUSTOMER),
        ("throttle", Verdict.TRANSIENT),
        ("html", Verdict.TRANSIENT),
    ],
)
def test_trouble_with_a_login(save_login, simulated, switch, verdict):
    credential = save_login()
    simulated.act("workday", ARRAKIS, switch)

    assert probes.verify(credential).verdict is verdict
