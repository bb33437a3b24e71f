"""/v1/channels and /v1/customer-deliveries"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import Channel, Delivery
from tests.notified import HOST, make_message, work

URL, CUSTOMERS = "/v1/channels", "/v1/customer-deliveries"
MAIL = {"kind": "mail", "name": "On call", "address": "ops@arrakis.test, paul@arrakis.test"}
SLACK = {"kind": "slack", "name": "Room", "address": f"https://{HOST}/services/T0/hush"}
QUIET = {
    "starts": "22:00",
    "ends": "07:30",
    "time_zone": "Europe/Berlin",
    "critical_breaks_quiet": False,
}


@pytest.fixture
def made(api):
    answer = api.post(URL, MAIL)
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def one(made):
    return f"{URL}/{made['id']}"


def test_from_creation_to_deletion(api, made, one):
    assert made["min_severity"] == "warning"
    assert made["quiet_hours"] is None
    assert api.get(one).json() == made

    changed = api.patch(one, {"address": "ops@arrakis.test", "quiet_hours": QUIET}).json()
    assert (changed["address"], changed["quiet_hours"]) == ("ops@arrakis.test", QUIET)
    assert api.patch(one, {"name": "Night"}).json()["quiet_hours"] == QUIET
    assert api.patch(one, {"quiet_hours": None}).json()["quiet_hours"] is None
    off = api.patch(one, {"enabled": False}).json()
    assert api.get(URL).json() == {"data": [off], "next_cursor": None}
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404

    actions = Event.objects.filter(action__startswith="channel.").values_list("action", flat=True)
    assert [*actions][::-1] == [
        *("channel.created", "channel.changed", "channel.changed", "channel.changed"),
        *("channel.disabled", "channel.deleted"),
    ]


def test_a_slack_url_is_a_secret(api, receiver):
    made = api.post(URL, SLACK)
    one = f"{URL}/{made.json()['id']}"

    pages = [made, api.get(URL), api.get(one), api.patch(one, {"name": "Other"})]

    assert made.json()["address"] == f"https://{HOST}/..."
    assert all("hush" not in page.content.decode() for page in pages)
    assert Channel.objects.get().secrets["url"] == SLACK["address"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": " "}, "name"),
        ({"address": "nobody"}, "address"),
        ({"event_types": ["spice.*"]}, "event_types.0"),
        ({"min_severity": "grave"}, "min_severity"),
        ({"quiet_hours": {**QUIET, "starts": "25:00"}}, "quiet_hours.starts"),
        ({"quiet_hours": {**QUIET, "ends": "22:00"}}, "quiet_hours.ends"),
        ({"quiet_hours": {**QUIET, "time_zone": "Arrakis/North"}}, "quiet_hours.time_zone"),
        ({"quiet_hours": {"starts": "22:00"}}, "quiet_hours.ends"),
        ({"url": "https://a.test/"}, "url"),
    ],
    ids=str,
)
def test_bad_input_names_its_field(api, made, one, change, path):
    for answer in (api.post(URL, {**MAIL, **change}), api.patch(one, change)):
        assert answer.status_code == 422
        assert list(answer.json()["validation_errors"]) == [path]
    assert Channel.objects.count() == 1


def test_a_change_nobody_saw_is_not_overwritten(api, one):
    seen = api.get(one)["ETag"]
    api.patch(one, {"name": "Meanwhile"})

    for method in ("PATCH", "DELETE"):
        assert api.call(method, one, {}, headers={"If-Match": seen}).status_code == 412


def test_a_test_tells_what_came_of_it(api, one, mailoutbox):
    told = api.post(f"{one}/test").json()

    assert (told["state"], told["type"]) == ("delivered", "channel.test")
    assert mailoutbox[0].to == ["ops@arrakis.test", "paul@arrakis.test"]


def test_deliveries_are_listed_and_sent_again(api, one, organization, mailoutbox):
    outbox.post(organization, make_message())
    work()

    (row,) = api.get(f"{one}/deliveries", state="delivered").json()["data"]
    again = api.post(f"{one}/deliveries/{row['id']}/redeliver")
    work()

    assert row["payload"]["data"]["title"] == "Spice is late"
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    assert len(mailoutbox) == 2
    assert api.get(f"{one}/deliveries", state="pending").json()["data"] == []


def test_webhooks_have_an_address_of_their_own(api, make_channel):
    hook = make_channel("webhook")

    assert api.get(URL).json()["data"] == []
    assert api.get(f"{URL}/{hook.pk}").status_code == 404
    assert api.post(URL, {**SLACK, "kind": "webhook"}).status_code == 422


def test_webhooks_have_quiet_hours_too(api):
    made = api.post("/v1/webhooks", {"name": "x", "url": f"https://{HOST}/", "quiet_hours": QUIET})

    assert made.json()["quiet_hours"] == QUIET


@pytest.fixture
def mailed(organization, mailoutbox):
    """A message mailed to a customer."""
    outbox.post(
        organization,
        make_message(
            severity=Severity.WARNING,
            to_customer="duncan@arrakis.test",
            customer_text="Access was revoked.",
            customer_url="https://admin.example.com/link/connect/hush",
        ),
    )
    work()
    return Delivery.objects.to_customers().get()


def test_mails_to_customers_are_listed_without_their_link(api, mailed):
    answer = api.get(CUSTOMERS)

    (row,) = answer.json()["data"]
    assert (row["to"], row["state"]) == ("duncan@arrakis.test", "delivered")
    assert row["text"] == "Access was revoked."
    assert api.get(f"{CUSTOMERS}/{row['id']}").json() == row
    assert "hush" not in answer.content.decode()


def test_mails_to_customers_are_sent_again(api, mailed, mailoutbox):
    again = api.post(f"{CUSTOMERS}/{mailed.uid}/redeliver")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    assert api.post(f"{CUSTOMERS}/{mailed.uid}/redeliver").status_code == 409
    work()

    assert len(mailoutbox) == 2


def test_those_of_others_do_not_exist(make_client, stranger, one, mailed):
    theirs = make_client(stranger.organizations.get())

    answers = [theirs.get(one), theirs.patch(one, {}), theirs.delete(one)]
    answers += [theirs.post(f"{one}/test"), theirs.get(f"{one}/deliveries")]
    answers += [theirs.get(f"{CUSTOMERS}/{mailed.uid}")]
    answers += [theirs.post(f"{CUSTOMERS}/{mailed.uid}/redeliver")]

    assert {answer.status_code for answer in answers} == {404}
    for listed in (URL, CUSTOMERS):
        assert theirs.get(listed).json()["data"] == []


def test_reading_takes_read_and_changing_takes_write(make_client, organization, one, mailed):
    reads = make_client(organization, Scope.READ)

    assert reads.get(URL).status_code == 200
    assert reads.post(URL, MAIL).status_code == 403
    assert reads.patch(one, {}).status_code == 403
    assert reads.post(f"{one}/test").status_code == 403
    assert reads.post(f"{CUSTOMERS}/{mailed.uid}/redeliver").status_code == 403
