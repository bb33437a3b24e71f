"""/v1/webhooks"""

import json

import pytest
from standardwebhooks import Webhook

from sequin_admin.access.models import Scope
from sequin_admin.notifications import outbox
from sequin_admin.notifications.models import Channel, Delivery
from tests.notified import HOST, make_message, work

URL = "/v1/webhooks"
NEW = {"name": "Data platform", "url": f"https://{HOST}/hook", "event_types": ["incident.*"]}


@pytest.fixture
def hook(api):
    return api.post(URL, NEW).json()


def test_from_creation_to_deletion(api):
    made = api.post(URL, NEW)
    assert made.status_code == 201, made.content
    shown = made.json()
    secret = shown.pop("secret")
    one = f"{URL}/{shown['id']}"

    assert secret.startswith("whsec_")
    assert made["Cache-Control"] == "no-store"
    assert api.get(one).json() == shown
    assert api.get(one)["ETag"] == made["ETag"]
    changed = api.patch(one, {"name": "Other", "enabled": False, "event_types": []})
    assert changed.json() | {"updated_at": ""} == {
        **shown,
        **{"name": "Other", "enabled": False, "event_types": [], "updated_at": ""},
    }
    assert api.get(URL).json() == {"data": [changed.json()], "next_cursor": None}
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": " "}, "name"),
        ({"url": "http://a.test/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://0x7f000001/"}, "url"),
        ({"url": "https://localhost./"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "https://u:hush@a.test/"}, "url"),
        ({"event_types": ["incident.opened", "spice.*"]}, "event_types.1"),
        ({"min_severity": "grave"}, "min_severity"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_bad_input_names_its_field(api, hook, change, path):
    for answer in (api.post(URL, {**NEW, **change}), api.patch(f"{URL}/{hook['id']}", change)):
        assert answer.status_code == 422
        assert list(answer.json()["validation_errors"]) == [path]
        assert "hush" not in answer.content.decode()
    assert Channel.objects.count() == 1


def test_a_change_nobody_saw_is_not_overwritten(api, hook):
    one = f"{URL}/{hook['id']}"
    seen = api.get(one)["ETag"]
    api.patch(one, {"name": "Meanwhile"})

    late = api.call("PATCH", one, {"name": "Late"}, headers={"If-Match": seen})
    gone = api.call("DELETE", one, headers={"If-Match": seen})

    assert (late.status_code, gone.status_code) == (412, 412)
    assert Channel.objects.get().name == "Meanwhile"


def test_a_rotated_secret_is_shown_once_and_both_verify(
    api, make_client, hook, organization, receiver
):
    rotate = f"{URL}/{hook['id']}/rotate"
    assert api.post(rotate).status_code == 403
    rotating = make_client(organization, Scope.WRITE, Scope.SECRETS)
    fresh = rotating.post(rotate).json()["secret"]
    outbox.post(organization, make_message())
    work()

    (call,) = receiver.calls
    for secret in (hook["secret"], fresh):
        assert Webhook(secret).verify(call.body, call.headers)["type"] == "incident.opened"
    for page in (URL, f"{URL}/{hook['id']}", f"{URL}/{hook['id']}/deliveries"):
        text = api.get(page).content.decode()
        assert fresh not in text
        assert hook["secret"] not in text


def test_deliveries_are_listed_filtered_and_paged(api, hook, organization, receiver):
    log = f"{URL}/{hook['id']}/deliveries"
    for number in range(5):
        outbox.post(organization, make_message(str(number), key=f"incident:{number}"))
    receiver.reply(500, 200, 200, 200, 500)
    work()
    work()

    first = api.get(log, limit=3).json()
    second = api.get(log, limit=3, cursor=first["next_cursor"]).json()
    titles = [row["payload"]["data"]["title"] for row in first["data"] + second["data"]]
    assert titles == ["4", "3", "2", "1", "0"]
    assert second["next_cursor"] is None
    waiting = api.get(log, state="pending").json()["data"]
    assert [row["tries"][0]["status"] for row in waiting] == [500, 500]
    assert api.get(log, state="lost").status_code == 422


def test_the_payload_that_is_shown_is_what_was_sent(api, hook, organization, receiver):
    outbox.post(organization, make_message())
    work()

    (row,) = api.get(f"{URL}/{hook['id']}/deliveries").json()["data"]

    assert row["payload"] == json.loads(receiver.calls[0].body)
    assert row["message_id"] == receiver.calls[0].headers["webhook-id"]


def test_a_delivery_is_sent_again_on_request(api, hook, organization, receiver):
    outbox.post(organization, make_message())
    again = f"{URL}/{hook['id']}/deliveries/{Delivery.objects.get().uid}/redeliver"

    assert api.post(again).status_code == 409
    work()
    answer = api.post(again)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    work()

    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len(receiver.calls) == 2


def test_a_test_tells_what_came_of_it(api, hook, receiver):
    receiver.reply(500)

    failed = api.post(f"{URL}/{hook['id']}/test").json()
    taken = api.post(f"{URL}/{hook['id']}/test").json()

    assert (failed["state"], failed["remark"]) == ("given_up", f"{HOST} answered 500.")
    assert (taken["state"], taken["type"]) == ("delivered", "channel.test")


def test_mail_and_slack_channels_are_not_webhooks(make_client, organization, make_channel):
    api = make_client(organization, *Scope)
    mail, slack = make_channel("mail"), make_channel("slack")

    assert api.get(URL).json()["data"] == []
    for channel in (mail, slack):
        assert api.get(f"{URL}/{channel.pk}").status_code == 404
        assert api.post(f"{URL}/{channel.pk}/rotate").status_code == 404


def test_those_of_others_do_not_exist(make_client, stranger, hook, organization, receiver):
    outbox.post(organization, make_message())
    theirs = make_client(stranger.organizations.get(), *Scope)
    one = f"{URL}/{hook['id']}"

    answers = [theirs.get(one), theirs.patch(one, {}), theirs.delete(one)]
    answers += [theirs.post(f"{one}/{verb}") for verb in ("rotate", "test")]
    answers.append(theirs.get(f"{one}/deliveries"))
    answers.append(theirs.post(f"{one}/deliveries/{Delivery.objects.get().uid}/redeliver"))

    assert {answer.status_code for answer in answers} == {404}
    assert theirs.get(URL).json()["data"] == []


def test_reading_takes_read_and_changing_takes_write(make_client, organization, hook):
    reads = make_client(organization, Scope.READ)

    assert reads.get(URL).status_code == 200
    assert reads.post(URL, NEW).status_code == 403
    assert reads.post(f"{URL}/{hook['id']}/test").status_code == 403
