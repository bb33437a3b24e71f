"""Workday: every row of its error table, and the real calls at the simulator."""

from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.core import http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
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


TOKEN_ERRORS = [
    (answer(400, {"error": "invalid_grant"}), Verdict.CUSTOMER, "invalid_grant"),
    (answer(400, {"error": "invalid_request"}), Verdict.CUSTOMER, "invalid_request"),
    (answer(401, {"error": "invalid_client"}), Verdict.CUSTOMER, "invalid_client"),
    (answer(503, "<h1>Maintenance</h1>"), Verdict.TRANSIENT, "unavailable"),
    (answer(429), Verdict.TRANSIENT, "throttled"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    TOKEN_ERRORS,
)
def test_token_errors(response, verdict, code):
    outcome = OAuth.classify_token_error(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, False)


REST_ERRORS = [
    (answer(200, {"total": 0, "data": []}), Verdict.OK, "ok"),
    (answer(401, {"error": "invalid_token"}), Verdict.REFRESH, "unauthorized"),
    (answer(403, {"error": "permission denied"}), Verdict.CUSTOMER, "not_authorized"),
    (answer(429), Verdict.TRANSIENT, "throttled"),
    (answer(503), Verdict.TRANSIENT, "unavailable"),
    (answer(200, "<h1>Maintenance</h1>"), Verdict.TRANSIENT, "not_json"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    REST_ERRORS,
)
def test_rest_errors(response, verdict, code):
    outcome = OAuth.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


SOAP_ERRORS = [
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
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    SOAP_ERRORS,
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
    renewal.get_access_token(credential)

    token = Token.objects.get(pk=credential.pk)

    assert token.expires_at - token.issued_at == timedelta(hours=1)


def test_a_refresh_token_that_was_replaced_is_kept(save_client, simulated):
    credential = save_client()
    pasted = credential.secrets["refresh_token"]
    simulated.act("workday", ARRAKIS, "rotate_refresh_token")
    renewal.get_access_token(credential)

    stored = Credential.objects.get(pk=credential.pk)

    assert stored.secrets["refresh_token"] != pasted
    assert renewal.refresh(stored)


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


@pytest.fixture
def asked(simulated):
    """Properties that are asked before a login at Workday."""

    def asked(tenant=ARRAKIS):
        app = simulated.app("workday", tenant)
        return {name: app[name] for name in OAuth.oauth.required_properties}

    return asked


@pytest.mark.parametrize("tenant", [ARRAKIS, GIEDI_PRIME])
def test_a_login_at_workday_connects_too(go, asked, tenant):
    credential = go("workday_oauth2", tenant, inputs=asked(tenant)).credential

    assert probes.verify(credential).ok
    assert credential.name == tenant
    assert credential.secrets["refresh_token"]


def test_it_renews_its_token_after_an_hour(go, asked, simulated):
    credential = go("workday_oauth2", ARRAKIS, inputs=asked()).credential
    simulated.clock(3601)

    assert probes.verify(credential).ok


def test_a_login_updates_the_credential_whose_token_was_entered(go, asked, save_client):
    entered = save_client()
    before = entered.secrets["refresh_token"]

    connected = go("workday_oauth2", ARRAKIS, inputs=asked()).credential

    assert connected.pk == entered.pk
    assert connected.secrets["refresh_token"] != before


def test_denying_says_so(go, asked):
    connect_session = go("workday_oauth2", ARRAKIS, inputs=asked(), allow=False)

    assert connect_session.credential is None
    assert "Access was denied at Workday" in connect_session.failure


def test_the_wrong_secret_is_the_customers(go, asked):
    connect_session = go("workday_oauth2", ARRAKIS, inputs={**asked(), "client_secret": "wrong"})

    assert "client id or secret that was entered" in connect_session.failure


def test_a_client_without_refresh_tokens_is_explained(go, asked, monkeypatch):
    read = OAuth.parse_grant
    monkeypatch.setattr(OAuth, "parse_grant", lambda data: read({**data, "refresh_token": ""}))

    connect_session = go("workday_oauth2", ARRAKIS, inputs=asked())

    assert connect_session.credential is None
    assert "lacks what we need from it" in connect_session.failure
    assert "refresh_token" in connect_session.failure


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "https://evil.test/arrakis_dpt1/authorize",
        "https://impl.workday.com.evil.test/authorize",
        "https://impl.workday.com@evil.test/authorize",
        "https://impl.workday.com/authorize?next=1",
    ],
)
def test_a_login_starts_at_workdays_own_hosts_only(go, asked, endpoint):
    given = {**asked(), "authorization_endpoint": endpoint}
    sent = {name: value for name, value in given.items() if value}

    with pytest.raises(ValueError, match="authorization_endpoint"):
        go("workday_oauth2", ARRAKIS, inputs=sent)


def test_both_ways_lead_to_each_other(client, user):
    client.force_login(user)
    by_hand = reverse("dashboard:add", args=["workday_oauth2"])
    by_login = reverse("dashboard:connect", args=["workday_oauth2"])

    assert by_login in client.get(by_hand).content.decode()
    assert by_hand in client.get(by_login).content.decode()


def test_the_form_takes_a_refresh_token(client, user, simulated):
    client.force_login(user)
    app = simulated.app("workday", ARRAKIS)
    names = ("host", "tenant", "client_id", "client_secret", "refresh_token")

    client.post(
        reverse("dashboard:add", args=["workday_oauth2"]), {name: app[name] for name in names}
    )

    assert Credential.objects.get().health_status == "healthy"


def test_the_login_form_asks_for_the_authorization_endpoint(client, user, asked):
    client.force_login(user)
    sent = {**asked(), "authorization_endpoint": ""}

    answer = client.post(reverse("dashboard:connect", args=["workday_oauth2"]), sent)

    assert answer.status_code == 422
    assert "Authorization endpoint is missing" in answer.content.decode()


def test_an_entered_token_is_entered_again_where_no_login_is_known(client, user, save_client):
    client.force_login(user)
    credential = save_client()
    edit = reverse("dashboard:credential_edit", args=[credential.pk])

    page = client.get(reverse("dashboard:credential", args=[credential.pk])).content.decode()
    answer = client.post(reverse("dashboard:reconnect", args=[credential.pk]))

    assert reverse("dashboard:reconnect", args=[credential.pk]) not in page
    assert answer["Location"] == edit
    assert 'name="refresh_token"' in client.get(edit).content.decode()


def test_who_connected_by_a_login_reconnects_by_one(client, user, go, asked):
    client.force_login(user)
    credential = go("workday_oauth2", ARRAKIS, inputs=asked()).credential

    answer = client.post(reverse("dashboard:reconnect", args=[credential.pk]))

    assert "impl.workday.com/arrakis_dpt1/authorize?" in answer["Location"]
