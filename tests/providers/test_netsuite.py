"""NetSuite's three kinds: every row of their error table, and the real calls at the simulator."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sequin_admin.connect import credential_operations
from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.providers.netsuite.common import token_url
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from tests.factories import make_credential
from tests.providers.answers import answer

ACCOUNT = "1234567_SB1"
OAuth, Machine = kinds.get("netsuite_oauth2"), kinds.get("netsuite_client_credentials")
TBA = kinds.get("netsuite_tba")


@pytest.fixture
def app(simulated):
    return simulated.app("netsuite", ACCOUNT)


@pytest.fixture
def asked(app):
    names = ("client_id", "client_secret")
    return {"account_id": ACCOUNT, **{name: app[name] for name in names}}


@pytest.fixture
def connected(go, asked):
    return go("netsuite_oauth2", ACCOUNT, inputs=asked).credential


@pytest.fixture
def save_machine(save, app):
    def save_machine(**changes):
        names = ("client_id", "certificate_id", "private_key")
        known = {name: app[name] for name in names}
        return save("netsuite_client_credentials", **{"account_id": ACCOUNT, **known, **changes})

    return save_machine


@pytest.fixture
def save_tba(save, app):
    def save_tba(**changes):
        names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
        known = {name: app[name] for name in names}
        return save("netsuite_tba", **{"account_id": ACCOUNT, **known, **changes})

    return save_tba


def unauthorized(error, code, scheme="Bearer"):
    body = {"status": 401, "o:errorDetails": [{"o:errorCode": code}]}
    header = {"www-authenticate": f'{scheme} realm="1", error="{error}"'}
    return Response(401, header, json.dumps(body).encode())


def refused(error):
    return unauthorized(error, "INVALID_LOGIN_ATTEMPT", "OAuth")


TOKEN_ERRORS = [
    (answer(400, {"error": "invalid_grant"}), Verdict.CUSTOMER, "invalid_grant"),
    (answer(401, {"error": "invalid_client"}), Verdict.CUSTOMER, "invalid_client"),
    *[
        (answer(status, {"error": error}), Verdict.CUSTOMER, error)
        for status in (400, 401)
        for error in ("consumer_key_refused", "consumer_key_unknown", "IntegrationBlocked")
    ],
    (answer(429), Verdict.TRANSIENT, "throttled"),
    (answer(503), Verdict.TRANSIENT, "unavailable"),
    (answer(200, "<h1>Sorry</h1>"), Verdict.TRANSIENT, "not_json"),
]


@pytest.mark.parametrize("kind", [OAuth, Machine])
@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    TOKEN_ERRORS,
)
def test_token_errors(kind, response, verdict, code):
    outcome = kind.classify_token_error(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, False)


API_ERRORS = [
    (answer(200, {"items": []}), Verdict.OK, "ok"),
    *[
        (refused(sign), Verdict.CUSTOMER, sign)
        for sign in ("token_rejected", "token_revoked", "FeatureDisabled", "permission_denied")
    ],
    *[
        (refused(sign), Verdict.OPERATOR, sign)
        for sign in ("signature_invalid", "nonce_used", "timestamp_refused")
    ],
    (
        answer(403, {"o:errorDetails": [{"o:errorCode": "INSUFFICIENT_PERMISSION"}]}),
        Verdict.CUSTOMER,
        "INSUFFICIENT_PERMISSION",
    ),
    (answer(429), Verdict.TRANSIENT, "throttled"),
    *[
        (answer(status, {"error": {"code": sign}}), Verdict.TRANSIENT, sign)
        for status, sign in (
            (500, "WS_REQUEST_BLOCKED"),
            (500, "WS_CONCUR_SESSION_DISALLWD"),
            (400, "SSS_REQUEST_LIMIT_EXCEEDED"),
        )
    ],
    (answer(503), Verdict.TRANSIENT, "unavailable"),
]


@pytest.mark.parametrize("kind", [OAuth, Machine, TBA])
@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    API_ERRORS,
)
def test_api_errors(kind, response, verdict, code):
    outcome = kind.classify(response)

    assert (outcome.verdict, outcome.code, outcome.of_app) == (verdict, code, False)


@pytest.mark.parametrize("kind", [OAuth, Machine])
@pytest.mark.parametrize("code", ["INVALID_LOGIN", "INVALID_LOGIN_ATTEMPT"])
def test_a_refused_token_is_renewed_first(kind, code):
    assert kind.classify(unauthorized("invalid_token", code)).verdict is Verdict.REFRESH


def test_a_refused_signature_login_is_lost():
    outcome = TBA.classify(unauthorized("parameter_absent", "INVALID_LOGIN_ATTEMPT", "OAuth"))

    assert outcome.verdict is Verdict.CUSTOMER


@pytest.mark.parametrize("kind", [OAuth, Machine, TBA])
def test_an_unknown_account_is_the_customers_to_correct(kind):
    outcome = kind.classify_unreachable(http.UnknownHost("There is no host named x."))

    assert outcome.verdict is Verdict.CUSTOMER


@pytest.mark.parametrize("account", ["", "a.b", "evil.test/1", "1_", "-1", "1__2", "1@2"])
def test_an_account_id_becomes_part_of_a_host_only_when_it_looks_like_one(save_tba, account):
    with pytest.raises(ValueError, match="account_id"):
        save_tba(account_id=account)


def test_both_forms_of_an_account_id_are_one_account(save_tba):
    first, second = save_tba(), save_tba(account_id="1234567-sb1")

    assert second.pk == first.pk
    assert second.properties["account_id"] == ACCOUNT


def test_connecting_proves_the_company(connected):
    assert connected.properties["account_id"] == ACCOUNT
    assert connected.properties["role_id"] == "3"
    assert connected.properties["entity_id"] == "1701"
    assert probes.verify(connected).ok


def test_another_company_is_refused_by_name(go, asked):
    connect_session = go("netsuite_oauth2", ACCOUNT, inputs=asked, forged={"company": "7654321"})

    assert connect_session.credential is None
    assert "7654321" in connect_session.failure
    assert ACCOUNT in connect_session.failure


def test_the_other_form_of_the_company_is_the_same(go, asked):
    connect_session = go(
        "netsuite_oauth2", ACCOUNT, inputs=asked, forged={"company": "1234567-sb1"}
    )

    assert connect_session.credential


def test_a_lifetime_in_a_string_is_understood(connected):
    token = Token.objects.get(pk=connected.pk)

    assert (token.expires_at - token.issued_at).total_seconds() == 3600


def test_after_seven_days_the_customer_must_connect_again(connected, simulated):
    simulated.clock(7 * 86_400 + 1)

    outcome = probes.verify(connected)

    assert (outcome.verdict, outcome.code) == (Verdict.CUSTOMER, "invalid_grant")


def test_deleting_gives_the_access_back(connected, simulated, user):
    assert credential_operations.delete(connected, actor=user)
    assert simulated.calls("netsuite")[-1]["endpoint"].endswith("/oauth2/v1/revoke")


def test_a_certificate_gets_tokens(save_machine):
    credential = save_machine()

    assert probes.verify(credential).ok
    assert renewal.refresh(credential)


@pytest.mark.parametrize("pem", ["not a key", "-----BEGIN PRIVATE KEY-----\nMIIE\n"])
def test_a_key_of_before_that_cannot_be_read_is_the_customers_to_enter(save_machine, pem):
    credential = save_machine()
    credential.secrets = {"private_key": pem}
    credential.save()

    outcome = probes.verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.CUSTOMER, "private_key")
    assert pem not in f"{outcome.message}{outcome.remedy}{outcome.evidence}"


def test_a_public_key_signs_nothing(save_machine):
    pem = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB\n-----END PUBLIC KEY-----"

    credential = save_machine()
    credential.secrets = {"private_key": pem}

    with pytest.raises(Refused, match="not the PEM file"):
        credential.mint()


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [(ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")],
)
def test_an_ec_key_signs_the_assertion(organization, curve, algorithm):
    key = ec.generate_private_key(curve)
    shape = (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    properties = {"private_key": key.private_bytes(*shape).decode()}

    credential = make_credential(organization, Machine.slug, properties=properties)

    signed = jwt.decode_complete(
        credential.assertion(),
        key.public_key(),
        algorithms=[algorithm],
        audience=token_url(credential.properties["account_id"]),
    )
    assert signed["header"]["alg"] == algorithm


def test_signed_requests_work(save_tba):
    assert probes.verify(save_tba()).ok


def test_every_request_is_signed_anew(save_tba):
    credential = save_tba()

    first = credential.signed_headers(credential.catalog_url())

    assert credential.signed_headers(credential.catalog_url()) != first
    assert credential.call_headers("") == {}


def test_a_clock_that_is_wrong_is_ours(save_tba, simulated):
    credential = save_tba()
    simulated.clock(3600)

    outcome = probes.verify(credential)

    assert (outcome.verdict, outcome.code) == (Verdict.OPERATOR, "timestamp_refused")


@pytest.mark.parametrize("name", ["consumer_key", "token_id"])
def test_a_wrong_key_or_token_is_the_customers(save_tba, name):
    assert probes.verify(save_tba(**{name: "wrong"})).verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("revoke", Verdict.CUSTOMER),
        ("rotate_secret", Verdict.OK),
        ("block_integration", Verdict.OK),
        ("disable_user", Verdict.CUSTOMER),
        ("drop_scope", Verdict.CUSTOMER),
        ("throttle", Verdict.TRANSIENT),
        ("outage", Verdict.TRANSIENT),
    ],
)
def test_trouble_with_a_connected_account(connected, simulated, switch, verdict):
    """An access token stays valid after its client's secret changed: the refresh fails."""
    simulated.act("netsuite", ACCOUNT, switch)

    assert probes.verify(connected).verdict is verdict


@pytest.mark.parametrize(
    ("switch", "code"),
    [("rotate_secret", "invalid_client"), ("block_integration", "IntegrationBlocked")],
)
def test_a_client_that_is_refused_is_the_customers(connected, simulated, switch, code):
    simulated.act("netsuite", ACCOUNT, switch)

    with pytest.raises(Refused) as caught:
        renewal.refresh(Credential.objects.get(pk=connected.pk))

    assert (caught.value.outcome.verdict, caught.value.outcome.code) == (Verdict.CUSTOMER, code)


@pytest.mark.parametrize("switch", ["expire_certificate", "block_integration", "disable_user"])
def test_trouble_with_a_certificate(save_machine, simulated, switch):
    credential = save_machine()
    simulated.act("netsuite", ACCOUNT, switch)

    assert probes.verify(credential).verdict is Verdict.CUSTOMER


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("revoke_token", Verdict.CUSTOMER),
        ("disable_user", Verdict.CUSTOMER),
        ("block_integration", Verdict.CUSTOMER),
        ("drop_scope", Verdict.CUSTOMER),
        ("throttle", Verdict.TRANSIENT),
        ("html", Verdict.TRANSIENT),
    ],
)
def test_trouble_with_signed_requests(save_tba, simulated, switch, verdict):
    credential = save_tba()
    simulated.act("netsuite", ACCOUNT, switch)

    assert probes.verify(credential).verdict is verdict
