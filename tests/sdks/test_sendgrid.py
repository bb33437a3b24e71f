"""SendGrid's own SDK (sendgrid) against the simulated SendGrid."""

import pytest
from python_http_client import ForbiddenError, TooManyRequestsError, UnauthorizedError
from sendgrid import SendGridAPIClient

ACCOUNT, EUROPEAN = "arrakis", "giedi-prime"
pytestmark = pytest.mark.faults


@pytest.fixture
def account(simulator):
    return simulator.account("sendgrid", ACCOUNT)


@pytest.fixture
def client(account):
    return SendGridAPIClient(account["full_key"]).client


def test_a_key_tells_its_scopes_and_whose_it_is(client):
    assert "marketing.read" in client.scopes.get().to_dict["scopes"]
    assert client.user.username.get().to_dict == {"username": ACCOUNT, "user_id": 10191}


def test_a_page_of_contacts_is_read(client):
    answer = client.marketing.contacts.get()

    assert answer.to_dict["contact_count"] == len(answer.to_dict["result"]) == 5
    assert answer.headers["X-RateLimit-Limit"] == "600"


def test_a_european_key_works_in_europe_alone(simulator):
    sendgrid = SendGridAPIClient(simulator.account("sendgrid", EUROPEAN)["full_key"])
    with pytest.raises(UnauthorizedError):
        sendgrid.client.scopes.get()

    sendgrid.set_sendgrid_data_residency("eu")

    assert sendgrid.client.scopes.get().status_code == 200


def test_a_rolled_key_is_unauthorized(simulator, client):
    simulator.act("sendgrid", ACCOUNT, "roll_key")

    with pytest.raises(UnauthorizedError) as refusal:
        client.scopes.get()
    assert "revoked" in refusal.value.to_dict["errors"][0]["message"]


def test_a_restricted_key_is_forbidden_what_it_may_not(account):
    client = SendGridAPIClient(account["restricted_key"]).client

    with pytest.raises(ForbiddenError):
        client.user.account.get()


def test_too_many_calls_are_a_too_many_requests_error(simulator, client):
    simulator.act("sendgrid", ACCOUNT, "throttle")

    with pytest.raises(TooManyRequestsError) as refusal:
        client.scopes.get()
    assert refusal.value.headers["X-RateLimit-Remaining"] == "0"
