"""Senders: signed webhooks, Slack messages, and mails."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from sequin_admin.core import clock
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.message import Severity
from sequin_admin.notifications.models import Channel, Delivery
from tests.notified import make_message, work

pytestmark = pytest.mark.django_db
RESOLVED = {"type": "incident.resolved"}


def test_a_webhook_tells_machines_and_is_signed(organization, receiver, make_channel):
    channel = make_channel()
    outbox.post(organization, make_message())

    work()

    (call,) = receiver.calls
    told = Webhook(channel.secrets["signing"]).verify(call.body, call.headers)
    assert told["type"] == "incident.opened"
    assert told["data"]["object"] == {"id": "1"}
    assert told["data"]["organization_id"] == str(organization.pk)
    assert call.path == "/hook"


def test_for_a_day_after_a_rotation_both_secrets_verify(
    organization, receiver, make_channel, user, monkeypatch
):
    channel = make_channel()
    old = channel.secrets["signing"]
    new = channels.rotate(channel, actor=user)
    outbox.post(organization, make_message())
    work()

    (call,) = receiver.calls
    assert Webhook(old).verify(call.body, call.headers) == call.json
    assert Webhook(new).verify(call.body, call.headers) == call.json
    later = clock.now() + timedelta(hours=25)
    assert Channel.objects.get().signing_secrets(later) == [new]


def test_a_secret_rotated_twice_in_a_day_still_verifies(make_channel, at):
    at()
    channel = make_channel()
    first = channel.secrets["signing"]
    channels.rotate(channel, actor=None)
    at(hours=23)
    channels.rotate(channel, actor=None)

    assert first in Channel.objects.get().signing_secrets(clock.now())
    at(hours=25)
    assert first not in Channel.objects.get().signing_secrets(clock.now())
    assert len(Channel.objects.get().signing_secrets(clock.now())) == 2


def test_slack_gets_words_and_a_button(organization, receiver, make_channel):
    channel = make_channel("slack")
    outbox.post(organization, make_message("Spice <late> & gone"))

    work()

    (call,) = receiver.calls
    assert call.path == "/services/T0/hush"
    assert "hush" not in channel.address
    assert call.json["text"].startswith("Spice &lt;late&gt; &amp; gone: ")
    button = call.json["blocks"][1]["elements"][0]
    assert button["text"]["text"] == "Replace the secret"
    assert button["url"] == "https://admin.example.com/oauth-apps/1/"


def test_a_mail_says_what_to_do_and_where(organization, make_channel, mailoutbox):
    make_channel("mail", address="ops@arrakis.test; paul@arrakis.test\nops@arrakis.test")
    outbox.post(organization, make_message("Spice\nis <late>"))
    outbox.post(organization, make_message("It is here", **RESOLVED))

    work()

    first, second = mailoutbox
    assert first.to == ["ops@arrakis.test", "paul@arrakis.test"]
    assert first.subject == "Spice is <late>"
    assert "Replace the secret: https://admin.example.com/oauth-apps/1/" in first.body
    html = first.alternatives[0].content
    assert "&lt;late&gt;" in html
    assert first.extra_headers["References"] == second.extra_headers["References"]
    assert first.extra_headers["Message-ID"] != second.extra_headers["Message-ID"]


def test_a_mail_server_that_is_away_is_tried_again(organization, make_channel, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    make_channel("mail")
    outbox.post(organization, make_message())

    work()

    row = Delivery.objects.get()
    assert row.state == "pending"
    assert row.last_error == "The mail server did not take it (ConnectionRefusedError)."


def test_a_customer_is_told_in_words_for_customers(organization, mailoutbox):
    """No channel is needed. The secret link is stored encrypted."""
    outbox.post(
        organization,
        make_message(
            severity=Severity.WARNING,
            to_customer="jessica@caladan.test",
            customer_text="Your HubSpot account let us out.",
            customer_url="https://admin.example.com/link/connect/hush",
        ),
    )
    work()

    (mail,) = mailoutbox
    assert mail.to == ["jessica@caladan.test"]
    assert "Your HubSpot account let us out." in mail.body
    assert "Connect again: https://admin.example.com/link/connect/hush" in mail.body
    assert mail.subject == "Please connect your account again"
    assert "our OAuth app" not in mail.body
    assert "Spice is late" not in mail.body + mail.alternatives[0].content
    assert "hush" not in str(Delivery.objects.values().get())
