"""Any call of the API, with lost responses and overloaded servers."""

import pytest

from sequin_admin.access import keys
from sequin_admin.access.models import Scope
from sequin_admin.client import Api, Refused, TryLater
from sequin_admin.tools.supervisor import free_port
from tests.factories import make_credential
from tests.scripted_server import CUT


@pytest.fixture
def slept():
    return []


@pytest.fixture
def api(script, slept):
    with Api(script.url, "key", sleep=slept.append) as api:
        yield api


def test_a_post_is_tried_again_under_the_same_name(api, script, slept):
    script.say(CUT, (503, {"summary": "Later."}, {"Retry-After": "7"}), (201, {"id": "1"}))

    assert api.post("things", {"a": 1}) == {"id": "1"}

    names = {headers["Idempotency-Key"] for _, _, headers, _ in script.seen}
    bodies = {body for _, _, _, body in script.seen}
    assert (len(script.seen), len(names), len(bodies)) == (3, 1, 1)
    assert slept == [0.5, 7]


def test_another_post_has_another_name(api, script):
    script.say((200, {}), (200, {}))

    api.post("things")
    api.post("things")

    assert len({headers["Idempotency-Key"] for _, _, headers, _ in script.seen}) == 2


def test_it_waits_as_long_as_the_server_asks(api, script, slept):
    script.say((429, {"summary": "Slower."}, {"Retry-After": "30"}), (200, {"id": 1}))

    assert api.get("things") == {"id": 1}
    assert slept == [30]


def test_a_post_that_is_still_under_way_is_waited_for(api, script, slept):
    script.say((409, {"summary": "Under way."}, {"Retry-After": "1"}), (200, {"id": 1}))

    assert api.post("things") == {"id": 1}
    assert slept == [1]


def test_nobody_waits_for_longer_than_is_sensible(api, script, slept):
    script.say((429, {"summary": "Slower."}, {"Retry-After": "3600"}))

    with pytest.raises(TryLater, match=r"Slower\."):
        api.get("things")

    assert slept == []


def test_after_some_tries_it_gives_up(api, script, slept):
    script.say(CUT, CUT, CUT, CUT)

    with pytest.raises(TryLater, match="could not be asked"):
        api.get("things")

    assert slept == [0.5, 1, 2]


def test_nobody_is_there(slept):
    api = Api(f"http://127.0.0.1:{free_port()}", "key", sleep=slept.append)

    with api, pytest.raises(TryLater, match="could not be asked"):
        api.get("things")


def test_a_refusal_is_final_and_says_what_about_which_field(api, script, slept):
    script.say((422, {"summary": "No.", "validation_errors": {"a.b": ["Wrong."]}}))

    with pytest.raises(Refused) as refused:
        api.patch("things/1", {})

    assert (str(refused.value), refused.value.status) == ("No.", 422)
    assert refused.value.fields == {"a.b": ["Wrong."]}
    assert slept == []


def test_what_was_deleted_by_a_try_whose_answer_got_lost_is_deleted(api, script):
    script.say(CUT, (404, {"summary": "There is none."}))

    api.delete("things/1")


def test_what_was_never_there_can_t_be_deleted(api, script):
    script.say((404, {"summary": "There is none."}))

    with pytest.raises(Refused, match="There is none"):
        api.delete("things/1")


@pytest.mark.parametrize("answer", [(200, None), (404, None), (302, None)])
def test_another_program_at_the_address_is_told_apart(api, script, answer):
    script.say(answer)

    if answer == (200, None):
        assert api.get("things") is None
    else:
        with pytest.raises(Refused, match="does not answer as Sequin Admin does"):
            api.get("things")


def test_lists_are_followed_to_their_end_or_as_far_as_wanted(live_server, organization):
    for number in range(5):
        make_credential(
            organization, "checkout_champ_password", properties={"login_id": f"user{number}"}
        )
    token = keys.create(organization, name="reader", scopes=[Scope.READ], actor=None)[1]

    with Api(live_server.url, token) as api:
        everything = [row["id"] for row in api.pages("credentials")]
        some = [row["id"] for row in api.pages("credentials", {"sort": "created_at"}, most=3)]

    assert len(everything) == 5
    assert some == everything[::-1][:3]
