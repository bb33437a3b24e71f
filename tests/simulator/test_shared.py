"""Two processes with one database: what they remember of it is never older than the database."""

import pytest

from tests.simulator.customer import Customer
from tests.simulator.test_hubspot import CONTACTS
from tests.simulator_server import Simulator

KEY_CALLS = 25  # a second, for a key of test mode


@pytest.fixture
def other(simulator):
    """A second process of the same database."""
    second = Simulator()
    second.folder.cleanup()
    second.folder = simulator.folder
    second.start()
    yield second
    second.end_process()
    second.http.close()


def call(simulator, token, url):
    return simulator.http.get(simulator.url_for(url), headers={"Authorization": f"Bearer {token}"})


def stripe_key(simulator):
    return simulator.account("stripe", "acct_1Arrakis0000001")["secret_key"]


def test_what_another_process_changes_holds_for_the_next_call(simulator, other):
    token = Customer(simulator, "hubspot").connect()["access_token"]
    seen = [call(each, token, CONTACTS).status_code for each in (simulator, other) * 2]

    other.act("hubspot", "21902692", "outage", times=1)
    during = call(simulator, token, CONTACTS).status_code
    after = call(other, token, CONTACTS).status_code
    other.act("hubspot", "21902692", "revoke")

    assert (seen, during, after) == ([200] * 4, 503, 200)
    assert call(simulator, token, CONTACTS).status_code == 401
    assert call(other, token, CONTACTS).status_code == 401


def test_rows_that_one_process_writes_are_in_the_other_at_once(simulator, other):
    key, url = stripe_key(simulator), "https://api.stripe.com/v1/customers"
    simulator.stop_clock()
    before = [call(each, key, url).json()["data"][0]["id"] for each in (simulator, other)]
    simulator.clock(2)

    made = simulator.http.post(
        simulator.url_for(url), data={"name": "Duncan"}, headers={"Authorization": f"Bearer {key}"}
    ).json()["id"]

    assert made not in before
    assert [call(each, key, url).json()["data"][0]["id"] for each in (simulator, other)] == [
        made,
        made,
    ]


def test_a_limit_is_one_for_both_and_ends_with_its_window(simulator, other):
    key, url = stripe_key(simulator), "https://api.stripe.com/v1/customers?limit=1"
    simulator.stop_clock()

    turns = [simulator, other, simulator] * 9
    seen = [call(each, key, url).status_code for each in turns]
    simulator.clock(1)
    later = [call(each, key, url).status_code for each in turns]

    assert seen == later == [200] * KEY_CALLS + [429] * (len(turns) - KEY_CALLS)


def test_the_journal_of_both_is_complete_at_any_moment(simulator, other):
    key, url = stripe_key(simulator), "https://api.stripe.com/v1/account"

    for number, each in enumerate((simulator, other, other, simulator), 1):
        call(each, key, url)

        assert [len(reader.calls("stripe")) for reader in (simulator, other)] == [number] * 2
