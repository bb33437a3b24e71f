"""SendGrid: every row of its error table, and the real calls at the simulator."""

import pytest

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import probes
from tests.providers.answers import answer

SendGrid = kinds.get("sendgrid_key")


@pytest.fixture
def save_key(simulated, save):
    def save_key(account="arrakis", key="full_key", region="global"):
        secret = simulated.account("sendgrid", account)[key]
        return save("sendgrid_key", api_key=secret, region=region)

    return save_key


def said(message):
    return {"errors": [{"message": message, "field": None, "help": None}]}


API_ERRORS = [
    (answer(200, {"scopes": []}), Verdict.OK, "ok"),
    (
        answer(401, said("The provided authorization grant is invalid, expired, or revoked")),
        Verdict.CUSTOMER,
        "key_refused",
    ),
    (answer(401, said("authorization required")), Verdict.CUSTOMER, "key_refused"),
    (answer(403, said("access forbidden")), Verdict.CUSTOMER, "forbidden"),
    (answer(403, said("temporarily blocked")), Verdict.TRANSIENT, "blocked"),
    (answer(429, said("too many requests")), Verdict.TRANSIENT, "throttled"),
    (answer(500), Verdict.TRANSIENT, "unavailable"),
    (answer(200, "<h1>Sorry</h1>"), Verdict.TRANSIENT, "not_json"),
]


@pytest.mark.parametrize(
    ("response", "verdict", "code"),
    API_ERRORS,
)
def test_api_errors(response, verdict, code):
    outcome = SendGrid.classify(response)

    assert (outcome.verdict, outcome.code) == (verdict, code)


def test_a_throttled_answer_says_when_to_come_back():
    response = answer(429, said("too many requests"), x_ratelimit_reset="99999999999")

    assert SendGrid.classify(response).retry_after_s > 0


@pytest.mark.parametrize("key", ["SG.only", "sk_live_abc", "SG.a.b\nX-Evil: 1", "SG.a.b c"])
def test_what_is_no_key_is_not_saved(save, key):
    with pytest.raises(ValueError, match="api_key") as caught:
        save("sendgrid_key", api_key=key)

    assert key not in str(caught.value)


def test_saving_a_key_learns_whose_it_is(save_key):
    credential = save_key()

    assert credential.properties["username"] == "arrakis"
    assert credential.properties["user_id"] == 10191
    assert "mail.send" in credential.properties["scopes"]


def test_saving_another_key_of_the_same_account_keeps_one_credential(save_key, save, simulated):
    first = save_key()
    simulated.act("sendgrid", "arrakis", "roll_key")

    second = save_key()

    assert second.pk == first.pk
    assert Credential.objects.count() == 1


def test_a_restricted_key_works_though_its_owner_stays_unknown(save_key):
    credential = save_key(key="restricted_key")

    assert probes.verify(credential).ok
    assert "user_id" not in credential.properties
    assert credential.properties["scopes"] == ["mail.send", "marketing.read"]


def test_a_european_key_is_asked_in_europe(save_key, simulated):
    credential = save_key("giedi-prime", region="eu")

    assert probes.verify(credential).ok
    assert all("api.eu.sendgrid.com" in call["endpoint"] for call in simulated.calls("sendgrid"))


@pytest.mark.parametrize(
    ("switch", "verdict"),
    [
        ("roll_key", Verdict.CUSTOMER),
        ("restrict_account", Verdict.CUSTOMER),
        ("block_for_a_while", Verdict.TRANSIENT),
        ("throttle", Verdict.TRANSIENT),
        ("html", Verdict.TRANSIENT),
    ],
)
def test_trouble_at_sendgrid(save_key, simulated, switch, verdict):
    credential = save_key()
    simulated.act("sendgrid", "arrakis", switch)

    assert probes.verify(credential).verdict is verdict
