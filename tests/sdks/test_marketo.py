"""marketorestpython, the best known SDK for Marketo, against the simulated Marketo."""

import pytest
from marketorestpython.client import MarketoClient
from marketorestpython.helper.exceptions import MarketoException

MUNCHKIN = "123-ABC-456"
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    return simulator.app("marketo", MUNCHKIN)


@pytest.fixture
def client(app):
    return MarketoClient(MUNCHKIN, app["client_id"], app["client_secret"], max_retry_time=0)


def leads(client, **options):
    asked = {"filterType": "email", "filterValues": ["paul@arrakis.io"], **options}
    return client.get_multiple_leads_by_filter_type(**asked)


def test_the_usage_of_the_day_is_read(client):
    (today,) = client.get_daily_usage()

    assert today["users"] == [{"userId": "apis@arrakis.io", "count": 1}]
    assert client.scope == "apis@arrakis.io"


def test_pages_follow_one_another(client):
    assert [one["firstName"] for one in leads(client, batchSize=2)] == [
        "Paul",
        "Jessica",
        "Leto",
        "Duncan",
        "Gurney",
    ]
    assert client.API_CALLS_MADE == 1 + 3


def test_an_unknown_client_is_refused(app):
    with pytest.raises(Exception, match="Client authentication failed"):
        MarketoClient(MUNCHKIN, app["client_id"], "wrong").get_daily_usage()


def test_an_invalid_token_is_told_by_its_code():
    with pytest.raises(MarketoException) as refusal:
        leads(MarketoClient(MUNCHKIN, access_token="unknown"))

    assert refusal.value.code == "601"


def test_an_expired_token_is_told_by_its_code(simulator, client):
    assert leads(client)

    simulator.act("marketo", MUNCHKIN, "expire")

    with pytest.raises(MarketoException) as refusal:
        leads(client)
    assert refusal.value.code == "602"


def test_too_many_calls_are_told_by_their_code(simulator, client):
    assert leads(client)

    simulator.act("marketo", MUNCHKIN, "throttle")

    with pytest.raises(MarketoException, match="Max rate limit") as refusal:
        leads(client)
    assert refusal.value.code == "606"
