"""The outbox: delivered in order, at least once, outside of quiet hours."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.notifications import channels, delivery, outbox, retries, senders
from sequin_admin.notifications.message import Message, Severity
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery, DeliveryState
from sequin_admin.notifications.senders.attempts import SendResult
from tests.notified import HOST, make_message, work

pytestmark = pytest.mark.django_db
RESOLVED = {"type": "incident.resolved"}
NIGHT = {"quiet_from": time(22), "quiet_until": time(7), "time_zone": "Europe/Berlin"}


def states():
    return [row.state for row in Delivery.objects.order_by("id")]


def test_a_message_is_sent_to_each_channel_that_wants_it(organization, receiver, make_channel):
    make_channel(name="all")
    make_channel(name="grave", min_severity=Severity.CRITICAL)
    make_channel(name="links", event_types=["connect_link.*"])
    make_channel(name="off", enabled=False)

    outbox.post(organization, make_message(severity=Severity.WARNING))
    outbox.post(organization, make_message("Made", type="connect_link.created", key="link:1"))
    work()

    told = [(row.channel.name, row.type) for row in Delivery.objects.order_by("id")]
    assert sorted(told) == [
        ("all", "connect_link.created"),
        ("all", "incident.opened"),
        ("grave", "connect_link.created"),
        ("links", "connect_link.created"),
    ]
    assert set(states()) == {"delivered"}


def test_what_is_taken_back_is_not_told(organization, make_channel):
    make_channel()

    with transaction.atomic():
        outbox.post(organization, make_message())
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()


def test_nobody_is_told_of_the_affairs_of_others(organization, stranger, make_channel):
    make_channel(organization=stranger.organizations.get())

    assert outbox.post(organization, make_message()) == []


def test_a_failed_try_is_made_again_with_the_same_id_until_it_is_taken(
    organization, receiver, make_channel, at
):
    make_channel()
    at()
    outbox.post(organization, make_message())
    receiver.reply(500, 302)

    work()
    (row,) = Delivery.objects.all()
    assert (row.state, row.attempts) == ("pending", 1)
    assert row.last_error == f"{HOST} answered 500."
    at(minutes=1)
    work()
    assert "Enter the final address" in Delivery.objects.get().last_error
    at(minutes=2)
    work()

    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.last_error) == ("delivered", 3, "")
    assert [tried["status"] for tried in row.log] == [500, 302, 200]
    assert {call.headers["webhook-id"] for call in receiver.calls} == {row.message_id}


def test_after_a_day_it_is_given_up_with_a_sentence(organization, receiver, make_channel, at):
    make_channel()
    began = at()
    outbox.post(organization, make_message())
    receiver.reply(*[500] * 100)

    for quarter in range(24 * 4 + 1):
        now = at(minutes=15 * quarter)
        work()

    row = Delivery.objects.get()
    assert row.state == "given_up"
    assert row.last_error.startswith(f"Given up after {row.attempts} tries in 24 hours.")
    assert row.ended_at <= began + timedelta(hours=24)
    assert now >= row.ended_at
    assert len(row.log) == row.attempts == len(receiver.calls) >= 8


@pytest.mark.parametrize(
    "asked",
    ["3600", format_datetime(datetime(2999, 1, 1, tzinfo=UTC), usegmt=True)],
    ids=["delay", "date"],
)
def test_a_busy_receiver_is_given_the_time_it_asks_for(
    organization, receiver, make_channel, at, asked
):
    make_channel()
    now = at()
    outbox.post(organization, make_message())
    receiver.reply(429, retry_after=asked)

    work()

    # The longest wait that is respected is that of our own delays.
    wanted = timedelta(hours=1) if asked.isdecimal() else retries.DELAYS[-1]
    assert Delivery.objects.get().next_try_at == now + wanted


def test_a_receiver_that_is_gone_is_sent_nothing_more(organization, receiver, make_channel):
    channel = make_channel()
    outbox.post(organization, make_message())
    outbox.post(organization, make_message(key="incident:2"))
    receiver.reply(410)

    work()

    channel.refresh_from_db()
    assert not channel.enabled
    assert "wants no more messages" in channel.disabled_reason
    assert sorted(states()) == ["dropped", "given_up"]
    assert len(receiver.calls) == 1
    assert Event.objects.about(channel).first().action == "channel.disabled"


@pytest.mark.parametrize("host", ["10.0.0.8", "169.254.169.254", "localhost", "[::1]"])
def test_private_addresses_are_not_called(organization, make_channel, host):
    """The address is checked at each delivery, not only when stored."""
    channel = make_channel()
    channel.secrets, channel.address = dict(channel.secrets), f"https://{host}/hook"
    channel.save()

    delivery = outbox.send_test(channel, actor=None)

    assert delivery.state == "given_up"
    assert "is not a public address" in delivery.last_error


def test_what_concerns_one_thing_is_told_in_order(organization, receiver, make_channel, at):
    make_channel()
    at()
    receiver.reply(500)
    outbox.post(organization, make_message("first"))
    outbox.post(organization, make_message("second"))
    outbox.post(organization, make_message("other", key="incident:2"))

    work()
    assert receiver.titles == ["first", "other"]
    at(minutes=1)
    work()

    assert receiver.titles == ["first", "other", "first", "second"]


def test_quiet_hours_hold_until_they_end(organization, receiver, make_channel, at):
    make_channel(**NIGHT)
    at(hours=10)  # 23:00 in Berlin
    outbox.post(organization, make_message(severity=Severity.WARNING))

    at(hours=17, minutes=59)
    work()
    assert receiver.calls == []
    at(hours=18)
    work()

    assert len(receiver.calls) == 1


def test_what_we_must_act_on_breaks_through(organization, receiver, make_channel, at):
    make_channel(name="wakes", **NIGHT)
    make_channel(name="sleeps", critical_breaks_quiet=False, **NIGHT)
    at(hours=10)

    outbox.post(organization, make_message())
    work()

    assert [row.channel.name for row in Delivery.objects.filter(state="delivered")] == ["wakes"]


def test_a_retry_does_not_wake_anybody_either(organization, receiver, make_channel, at):
    make_channel(**NIGHT)
    at(hours=9, seconds=-1)
    receiver.reply(500)
    outbox.post(organization, make_message(severity=Severity.WARNING))
    work()

    at(hours=9, minutes=1)
    work()

    row = Delivery.objects.get()
    assert (row.in_quiet_hours, row.attempts, row.lease_until) == (True, 1, None)
    assert row.next_try_at == at(hours=18)


def test_what_is_over_before_the_morning_is_never_told(organization, receiver, make_channel, at):
    make_channel(**NIGHT)
    make_channel("mail")
    at(hours=10)
    outbox.post(organization, make_message(severity=Severity.WARNING))
    at(hours=11)
    outbox.post(organization, make_message(severity=Severity.WARNING, **RESOLVED))
    at(hours=18)
    work()

    assert receiver.calls == []
    told = {(row.channel.kind, row.state) for row in Delivery.objects.all()}
    assert told == {("webhook", "dropped"), ("mail", "delivered")}


def test_the_end_of_what_was_told_is_told(organization, receiver, make_channel, at):
    make_channel(**NIGHT)
    at(hours=8)
    outbox.post(organization, make_message("opened", severity=Severity.WARNING))
    work()
    at(hours=10)
    outbox.post(organization, make_message("over", severity=Severity.WARNING, **RESOLVED))
    at(hours=18)
    work()

    assert receiver.titles == ["opened", "over"]


def test_a_disabled_channel_drops_what_waits(organization, receiver, make_channel, user):
    channel = make_channel()
    outbox.post(organization, make_message())
    (claimed,) = delivery.claim_due(5)

    channels.disable(channel, actor=user)

    assert not delivery.deliver_claimed(claimed)
    assert states() == ["dropped"]
    assert receiver.calls == []


def test_somebody_may_have_it_sent_again(organization, receiver, make_channel, user, at):
    make_channel(critical_breaks_quiet=False, **NIGHT)
    at()
    outbox.post(organization, make_message())
    work()
    at(hours=10)

    outbox.redeliver(Delivery.objects.get(), actor=user)
    with pytest.raises(outbox.NotRedeliverable):
        outbox.redeliver(Delivery.objects.get(), actor=user)
    work()

    row = Delivery.objects.get()
    assert (row.state, len(row.log)) == ("delivered", 2)
    assert receiver.calls[0].headers["webhook-id"] == receiver.calls[1].headers["webhook-id"]
    assert Event.objects.filter(action="delivery.repeated", actor=str(user)).exists()


def test_nothing_is_sent_again_through_a_disabled_channel(organization, make_channel, receiver):
    channel = make_channel()
    outbox.post(organization, make_message())
    channels.disable(channel, actor=None)

    with pytest.raises(outbox.NotRedeliverable, match="Enable it first"):
        outbox.redeliver(Delivery.objects.get(), actor=None)


def test_a_test_is_sent_at_once_and_not_again(receiver, make_channel, at):
    at(hours=10)
    channel = make_channel(event_types=["sync.*"], **NIGHT)
    receiver.reply(500)

    assert outbox.send_test(channel, actor=None).state == "given_up"
    assert outbox.send_test(channel, actor=None).state == "delivered"
    assert delivery.claim_due(5) == []


def test_the_log_keeps_the_newest_tries(organization, receiver, make_channel, user):
    make_channel()
    outbox.post(organization, make_message())
    work()
    for _ in range(25):
        outbox.redeliver(Delivery.objects.get(), actor=user)
        work()

    assert len(Delivery.objects.get().log) == delivery.LOG_ENTRIES


def test_who_comes_back_too_late_changes_nothing(organization, receiver, make_channel, at):
    """A worker that was stopped for longer than its lease finds the lease taken."""
    make_channel()
    at()
    outbox.post(organization, make_message())
    (slow,) = delivery.claim_due(1)
    assert delivery.claim_due(1) == []

    at(minutes=4)
    (quick,) = delivery.claim_due(1)
    assert not delivery.deliver_claimed(slow)
    assert delivery.deliver_claimed(quick)

    assert len(receiver.calls) == 1
    assert not delivery.record_attempt(slow, SendResult(error="No."), clock.now(), ms=1)
    assert states() == ["delivered"]


def test_who_lost_the_lease_sends_nothing_though_nobody_has_it(
    organization, receiver, make_channel, at
):
    make_channel()
    at()
    outbox.post(organization, make_message())
    (slow,) = delivery.claim_due(1)

    at(minutes=4)

    assert not delivery.deliver_claimed(slow)
    assert receiver.calls == []


def test_a_slow_attempt_is_not_made_by_another_too(organization, make_channel, at, monkeypatch):
    """The lease begins anew with the attempt."""
    make_channel()
    at()
    outbox.post(organization, make_message())
    (claimed,) = delivery.claim_due(1)
    others = []

    def send_slowly(row):
        at(minutes=4)
        others.extend(delivery.claim_due(1))
        return SendResult(200)

    at(minutes=2)
    monkeypatch.setitem(senders.SENDERS, ChannelKind.WEBHOOK, send_slowly)

    assert delivery.deliver_claimed(claimed)
    assert others == []


def test_what_breaks_every_worker_is_given_up_in_the_end(
    organization, receiver, make_channel, at, monkeypatch
):
    make_channel()
    at()
    outbox.post(organization, make_message())

    def break_down(delivery):
        raise RuntimeError("A fault of ours.")

    monkeypatch.setitem(senders.SENDERS, ChannelKind.WEBHOOK, break_down)
    (claimed,) = delivery.claim_due(1)
    with pytest.raises(RuntimeError):
        delivery.deliver_claimed(claimed)
    assert delivery.claim_due(1) == []
    at(hours=25)
    delivery.deliver_claimed(*delivery.claim_due(1))

    row = Delivery.objects.get()
    assert (row.state, row.attempts) == ("given_up", 1)
    assert "no try came to an end" in row.last_error


def test_the_audit_log_tells_where_but_no_path(make_channel, user):
    channel = make_channel(address=f"https://{HOST}/hooks/canary7f3e")
    channels.update(channel, actor=user, address=f"https://{HOST}/other/canary7f3e")

    events = [event.details for event in Event.objects.about(channel)]
    assert [details["to"] for details in events] == [HOST, HOST]
    assert "canary7f3e" not in str(events)


def test_one_slow_receiver_does_not_get_all_threads(organization, receiver, make_channel):
    slow, other = make_channel(name="slow"), make_channel(name="other", event_types=["sync.*"])
    for number in range(20):
        outbox.post(organization, make_message(key=f"incident:{number}"))
    outbox.post(organization, make_message(key="sync:1", type="sync.created"))

    first, second = delivery.claim_due(10), delivery.claim_due(10)

    asked = Counter(row.channel_id for row in first)
    assert asked == {slow.pk: delivery.MOST_PER_CHANNEL, other.pk: 1}
    assert second == []


def test_a_delivery_that_ended_is_kept_for_90_days(organization, receiver, make_channel, at):
    make_channel()
    at()
    outbox.post(organization, make_message())
    work()
    outbox.post(organization, make_message())

    at(days=89)
    assert outbox.prune() == 0
    at(days=91)
    assert outbox.prune() == 1

    assert states() == ["pending"]


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "incident.exploded"},
        {"to_customer": "a@b.test", "customer_text": "Hello."},
        {"to_customer": "a@b.test", "severity": Severity.WARNING},
    ],
)
def test_what_should_not_be_told_is_refused(bad):
    """An unknown type; a customer's message about our fault, or without a customer's text."""
    with pytest.raises(ValueError, match=r"add it to TYPES|Customers are told"):
        make_message(**bad)


class OrderTest(TestCase):
    """Ordering with any failures and any number of workers."""

    @settings(max_examples=50)
    @given(
        keys=st.lists(st.sampled_from("abc"), min_size=1, max_size=8),
        answers=st.lists(st.sampled_from([200, 200, 500]), max_size=20),
        rooms=st.lists(st.integers(1, 4), min_size=1, max_size=10),
    )
    def test_each_key_is_told_in_the_order_of_posting_and_nothing_is_lost(
        self, keys, answers, rooms
    ):
        organization = Organization.objects.create(name="Arrakis", slug="order")
        channel = Channel.objects.create(
            organization=organization, kind=ChannelKind.WEBHOOK, name="w", min_severity="info"
        )
        for number, key in enumerate(keys):
            outbox.post(organization, make_message(str(number), key=key))
        answers, told, now = list(answers), [], clock.now()

        def answer(delivery):
            status = answers.pop(0) if answers else 200
            if status == 200:
                told.append((delivery.message.key, int(delivery.message.title)))
            return SendResult(status, "" if status == 200 else "No.")

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(senders.SENDERS, ChannelKind.WEBHOOK, answer)
            for turn in range(60):
                if not Delivery.objects.pending().exists():
                    break
                later = now + timedelta(minutes=20 * turn)
                patch.setattr(clock, "now", lambda later=later: later)
                for claimed in delivery.claim_due(rooms[turn % len(rooms)]):
                    delivery.deliver_claimed(claimed)

        assert sorted(told, key=lambda pair: pair[1]) == [(k, i) for i, k in enumerate(keys)]
        for key in set(keys):
            numbers = [number for known, number in told if known == key]
            assert numbers == sorted(numbers)
        assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()
        assert channel.deliveries.count() == len(keys)


def test_a_message_survives_storage():
    told = make_message(customer_text="x")

    assert Message.from_json(told.as_json()) == told
