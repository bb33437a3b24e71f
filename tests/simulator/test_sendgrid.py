"""The simulated SendGrid behaves as its documentation says, over plain HTTP."""

import pytest

GLOBAL, EU = "https://api.sendgrid.com", "https://api.eu.sendgrid.com"


@pytest.fixture
def read(simulator):
    """A call with one of the account's keys."""

    def get(path, *, account="arrakis", key="full_key", base=GLOBAL):
        secret = simulator.account("sendgrid", account)[key]
        headers = {"Authorization": f"Bearer {secret}"}
        return simulator.http.get(simulator.url_for(f"{base}{path}"), headers=headers)

    return get


def test_every_key_may_read_its_scopes(read):
    assert "user.username.read" in read("/v3/scopes").json()["scopes"]
    assert read("/v3/scopes", key="restricted_key").json()["scopes"] == [
        "mail.send",
        "marketing.read",
    ]


def test_a_restricted_key_may_not_read_its_owner(read):
    assert read("/v3/user/username").json() == {"username": "arrakis", "user_id": 10191}
    assert read("/v3/user/username", key="restricted_key").status_code == 403


def test_every_answer_counts_down(read):
    first, second = read("/v3/scopes"), read("/v3/user/account")

    assert first.headers["X-RateLimit-Limit"] == "600"
    assert int(second.headers["X-RateLimit-Remaining"]) == 598
    assert int(first.headers["X-RateLimit-Remaining"]) == 599


def test_a_region_knows_its_own_keys_only(read):
    assert read("/v3/scopes", account="giedi-prime", base=EU).status_code == 200
    assert read("/v3/scopes", account="giedi-prime", base=GLOBAL).status_code == 401
    assert read("/v3/scopes", base=EU).status_code == 401


def test_a_key_that_was_replaced_is_refused(read, simulator):
    old = simulator.account("sendgrid", "arrakis")["full_key"]
    simulator.act("sendgrid", "arrakis", "roll_key")

    headers = {"Authorization": f"Bearer {old}"}
    answer = simulator.http.get(simulator.url_for(f"{GLOBAL}/v3/scopes"), headers=headers)

    assert answer.status_code == 401
    assert "invalid, expired, or revoked" in answer.json()["errors"][0]["message"]


def test_no_key_is_refused(simulator):
    assert simulator.http.get(simulator.url_for(f"{GLOBAL}/v3/scopes")).status_code == 401


@pytest.mark.parametrize(
    ("switch", "status"), [("restrict_account", 403), ("block_for_a_while", 403), ("throttle", 429)]
)
def test_refusals(read, simulator, switch, status):
    simulator.act("sendgrid", "arrakis", switch)

    answer = read("/v3/scopes")

    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


def test_contacts_can_be_read(read):
    assert read("/v3/marketing/contacts").json()["contact_count"] == 5
