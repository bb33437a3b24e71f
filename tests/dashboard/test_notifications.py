"""Notifications in the dashboard: channels, deliveries, and secrets that are shown once."""

import logging
import re

import pytest

from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.notifications import delivery, outbox
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import Channel, Delivery
from tests.dashboard.conftest import address
from tests.edit_forms import submit
from tests.notified import HOST, make_message, work

LIST = address("notifications")
FORM = {
    "name": "Ops",
    "min_severity": "info",
    "time_zone": "Europe/Berlin",
    "quiet_from": "22:00",
    "quiet_until": "07:00",
}
ADDRESSES = {
    "mail": "ops@arrakis.test",
    "webhook": f"https://{HOST}/hook",
    "slack": f"https://{HOST}/services/canary7f3e",
}


def new(kind):
    return address("channel_add", kind)


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_channel_is_added_tested_edited_disabled_and_deleted(client, owner, receiver, kind):
    assert client.get(new(kind)).status_code == 200
    client.post(new(kind), {**FORM, "address": ADDRESSES[kind], "event_types": ["incident.*"]})
    channel = Channel.objects.get()
    assert str(channel.quiet_hours.starts) == "22:00:00"

    page = client.post(address("channel_test", channel.pk), follow=True).content.decode()
    assert "The test was delivered to Ops." in page
    submit(client, address("channel_edit", channel.pk), {**FORM, "name": "Night", **KEPT[kind]})
    channel.refresh_from_db()
    assert (channel.name, channel.event_types) == ("Night", [])
    client.post(address("channel_disable", channel.pk))
    assert "Disabled" in client.get(LIST).content.decode()
    client.post(address("channel_enable", channel.pk))
    assert Channel.objects.get().enabled
    client.post(address("channel_delete", channel.pk))

    assert not Channel.objects.exists()
    assert list(Event.objects.about(channel).values_list("action", flat=True))[::-1] == [
        "channel.created",
        "channel.tested",
        "channel.changed",
        "channel.disabled",
        "channel.enabled",
        "channel.deleted",
    ]


KEPT = {
    "mail": {"address": ADDRESSES["mail"]},
    "webhook": {"address": ADDRESSES["webhook"]},
    "slack": {},
}


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("mail", {"address": "nobody"}, "nobody is not a mail address"),
        ("mail", {"address": ", ".join(f"a{i}@b.test" for i in range(21))}, "at most 20"),
        ("webhook", {"address": "http://a.test/"}, "begins with https://"),
        ("webhook", {"address": "https://"}, "not an address that can be called"),
        ("webhook", {"address": "https://a.test:99999/"}, "not an address that can be called"),
        ("webhook", {"address": "https://u:p@a.test/"}, "Leave out the user name"),
        ("webhook", {"address": "https://10.0.0.8/"}, "is not a public address"),
        ("webhook", {"address": "https://localhost/"}, "is not a public address"),
        ("webhook", {"address": "https://[::ffff:127.0.0.1]/"}, "is not a public address"),
        ("webhook", {"address": "https://127.1/"}, "127.1 is not a public address"),
        ("slack", {"address": "https://2130706433/"}, "is not a public address"),
        ("slack", {"address": ""}, "This field is required"),
        ("webhook", {"quiet_until": ""}, "Enter both times, or none"),
        ("webhook", {"quiet_until": "22:00"}, "Enter another time"),
        ("webhook", {"time_zone": "Arrakis/Arrakeen"}, "Select a valid choice"),
        ("webhook", {"event_types": ["spice.*"]}, "Select a valid choice"),
    ],
)
def test_what_makes_no_channel_is_said_at_its_field(client, owner, kind, change, said):
    page = client.post(new(kind), {**FORM, "address": ADDRESSES[kind], **change})

    assert page.status_code == 422
    assert said in page.content.decode().replace("&#x27;", "'")
    assert not Channel.objects.exists()


def test_a_webhooks_secret_is_shown_once(client, owner):
    page = client.post(new("webhook"), {**FORM, "address": ADDRESSES["webhook"]})

    secret = Channel.objects.get().secrets["signing"]
    assert secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_a_new_secret_is_shown_once_too(client, owner, make_channel):
    channel = make_channel()

    page = client.post(address("channel_rotate", channel.pk)).content.decode()

    fresh = Channel.objects.get().secrets
    assert fresh["signing"] in page
    assert fresh["signing"] != channel.secrets["signing"]
    assert fresh["previous"][0]["secret"] not in page


def test_what_a_wrong_address_held_up_goes_to_the_right_one(
    client, owner, organization, make_channel, receiver
):
    """The page says so; the address that was replaced is not kept."""
    channel = make_channel("slack")
    wrong = channel.secrets["url"]
    receiver.reply(404)
    outbox.post(organization, make_message())
    work()
    edit = address("channel_edit", channel.pk)
    said = " ".join(client.get(edit).content.decode().split())
    assert "An address that you replace is not kept here: Slack has it." in said

    always = {"quiet_from": "", "quiet_until": ""}
    submit(client, edit, {**FORM, **always, "address": wrong.replace("hush", "right")})
    Delivery.objects.update(next_try_at=clock.now())
    work()

    assert [call.path for call in receiver.calls] == ["/services/T0/hush", "/services/T0/right"]
    assert Delivery.objects.get().state == "delivered"
    assert "hush" not in str(Channel.objects.get().secrets)


def test_only_webhooks_have_a_secret_to_replace(client, owner, make_channel):
    assert client.get(address("channel_rotate", make_channel("mail").pk)).status_code == 404


def test_afterwards_no_page_log_or_audit_row_holds_a_secret(
    client, owner, organization, receiver, make_channel, caplog
):
    """Nor does a rejected form."""
    caplog.set_level(logging.DEBUG)
    hook, slack = make_channel(), make_channel("slack", address=ADDRESSES["slack"])
    receiver.reply(*[500] * 4)
    outbox.post(organization, make_message())
    for row in delivery.claim_due(5):
        delivery.deliver_claimed(row)
    outbox.send_test(slack, actor=None)
    ids = [hook.pk, slack.pk]
    pages = [LIST, *(address(f"channel{n}", pk) for n in ("", "_edit", "_delete") for pk in ids)]
    pages += [address("delivery", row.uid) for row in Delivery.objects.all()]

    seen = [client.get(page) for page in pages]
    refused = {**FORM, "name": "", "address": ADDRESSES["slack"]}
    seen.append(submit(client, address("channel_edit", slack.pk), refused))
    seen.append(client.post(new("slack"), refused))

    assert {answer.status_code for answer in seen} == {200, 422}
    texts = [answer.content.decode() for answer in seen] + [caplog.text]
    texts += [f"{e} {e.details}" for e in Event.objects.all()]
    texts += [f"{row.log} {row.last_error}" for row in Delivery.objects.all()]
    for secret in ("canary7f3e", hook.secrets["signing"]):
        assert not [text for text in texts if secret in text]
    assert "Enter the URL again" in texts[len(pages)].replace("&#x27;", "'")


def test_a_type_chosen_by_api_survives_the_form(client, owner, make_channel):
    channel = make_channel(event_types=["incident.opened"])

    page = client.get(address("channel_edit", channel.pk)).content.decode()

    ticked = re.findall(r"<input[^>]*checked[^>]*>", page)
    assert any('value="incident.opened"' in each for each in ticked)


def test_the_log_is_narrowed_by_state_and_polled_while_something_waits(
    client, owner, organization, receiver, make_channel
):
    channel = make_channel()
    outbox.post(organization, make_message("Told"))
    delivery.deliver_claimed(*delivery.claim_due(1))
    url = address("channel", channel.pk)
    assert "every 5s" not in client.get(url).content.decode()

    outbox.post(organization, make_message("Waits"))
    page = client.get(url, {"state": "pending"}).content.decode()

    assert "Waits" in page
    assert ">Told<" not in page
    assert "every 5s" in page


def test_a_delivery_shows_what_was_sent_and_each_try(
    client, owner, organization, receiver, make_channel
):
    make_channel()
    outbox.post(organization, make_message())
    receiver.reply(410)
    delivery.deliver_claimed(*delivery.claim_due(1))
    row = Delivery.objects.get()

    page = client.get(address("delivery", row.uid)).content.decode()
    refused = client.post(address("delivery_redeliver", row.uid), follow=True).content.decode()

    assert "&quot;type&quot;: &quot;incident.opened&quot;" in page
    assert "wants no more messages" in page
    assert row.message_id in page
    assert "is disabled. Enable it first." in refused
    client.post(address("channel_enable", row.channel_id))
    client.post(address("delivery_redeliver", row.uid))
    assert Delivery.objects.get().state == "pending"


def test_mails_to_customers_have_a_log_of_their_own(client, owner, organization):
    outbox.post(
        organization,
        make_message(
            severity=Severity.WARNING,
            to_customer="jessica@caladan.test",
            customer_text="Your account let us out.",
        ),
    )

    assert address("to_customers") in client.get(LIST).content.decode()
    assert "jessica@caladan.test" in client.get(address("to_customers")).content.decode()
    shown = client.get(address("delivery", Delivery.objects.get().uid)).content.decode()
    assert "Your account let us out." in shown


@pytest.mark.parametrize("number", [1, 30])
def test_pages_ask_the_database_little(
    client, owner, organization, make_channel, django_assert_max_num_queries, number
):
    made = [make_channel(name=f"N{i}") for i in range(number)]
    for i in range(number):
        outbox.post(organization, make_message(key=f"incident:{i}"))

    for page in (LIST, address("channel", made[0].pk)):
        with django_assert_max_num_queries(10):
            client.get(page)
