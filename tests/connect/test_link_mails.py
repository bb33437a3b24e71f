"""Mails with a connect link: once, to the contact alone, with our link alone, within the limit."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail as django_mail

from sequin_admin.access import branding
from sequin_admin.audit.models import Event
from sequin_admin.connect import links, mails
from sequin_admin.connect.mails.texts import other_link, safe_value
from sequin_admin.connect.models import ConnectLink, LinkMail, MailPurpose
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.notifications import delivery, outbox
from sequin_admin.notifications.models import Delivery, DeliveryState
from tests.factories import make_credential

CONTACT = "duncan@arrakis.test"
TEXT = mails.MailText("Your {provider} account", "Hello,\n\n{link}\n\n{organization}")
pytestmark = pytest.mark.django_db


@pytest.fixture
def link(organization, user):
    offered = [kinds.get("stripe_key")]
    return links.create(organization, offered, actor=user, contact_email=CONTACT, language="de")


def deliver():
    for row in delivery.claim_due(50):
        delivery.deliver_claimed(row)


def test_the_contact_gets_one_plain_mail_with_our_link(link, user, organization, mailoutbox):
    branding.save_branding(organization, {"support": "help@arrakis.test"}, actor=user)

    mails.send_link(link, actor=user)
    deliver()

    (mail,) = mailoutbox
    assert mail.to == [CONTACT]
    assert mail.subject == "Arrakis bittet Sie, Ihr Stripe-Konto zu verbinden"
    assert mail.alternatives == []
    assert mail.body.count(links.address(link)) == 1
    assert mail.from_email.startswith("Arrakis <")
    assert mail.reply_to == ["help@arrakis.test"]
    assert "Sequin" not in mail.subject + mail.body
    event = Event.objects.get(action="connect_link.sent")
    assert (event.actor, event.details["to"]) == (str(user), CONTACT)


def test_the_address_of_the_link_is_sealed_in_the_outbox(link, user):
    mails.send_link(link, actor=user)

    token = links.address(link).rpartition("/")[2]
    row = Delivery.objects.values("notice", "to", "secrets").get()
    assert token not in str(row["notice"])
    assert token not in str(list(Event.objects.values_list("details", flat=True)))


def test_a_page_that_is_sent_twice_sends_once(link, user):
    page = uuid4()

    first, second = (mails.send_link(link, actor=user, pk=page) for _ in range(2))

    assert first == second
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.test/ {link}",
        "{link} www.evil.test",
        "{link} evil.com/login",
        "{link} \uff45vil\uff0ecom",
        "{link} http:/evil",
        "{link} javascript:alert(1)",
        "{link} 10.0.0.1",
        "{link} tel:+491234",
        "{link} пример.рф",
        "{link} {link}",
        "no link at all",
        "{link} {organization.users}",
        "{link} {secret}",
        "{link} }",
        "{link}\x00",
        "{link} \u202egnp.exe",
        "{link}" + "x" * 4000,
        "",
    ],
)
def test_a_text_with_another_link_or_placeholder_is_refused(text):
    with pytest.raises(mails.BadMail) as refused:
        mails.clean("Subject", text)

    assert refused.value.fields["text"]


@pytest.mark.parametrize(
    "subject", ["", "a\r\nBcc: all@evil.test", "a\nb", "a\u2028b", "{link}", "x" * 151, "evil.com"]
)
def test_a_subject_is_one_line_without_a_link(subject):
    with pytest.raises(mails.BadMail) as refused:
        mails.clean(subject, "{link}")

    assert refused.value.fields["subject"]


@pytest.mark.parametrize(
    "text",
    ["z.B. so, d.h. anders", "Ende.Anfang 3.5", "お願いします。ありがとう", "help@arrakis.test"],
)
def test_plain_words_are_no_links(text):
    assert other_link(text) == "" or text == "Ende.Anfang 3.5"


def test_a_name_brings_no_link_and_no_line_into_a_mail():
    assert safe_value("Click https://evil.test") == ""
    assert safe_value("Arrakis\r\nBcc: x@y.test") == "Arrakis Bcc: x@y.test"
    assert safe_value("{link}") == "(link)"
    assert safe_value("evil.com/login") == ""
    assert (safe_value("arrakis.com"), safe_value("evil.com", hosts=False)) == ("arrakis.com", "")


def test_a_mail_is_not_sent_for_a_link_that_was_withdrawn_meanwhile(link, user, mailoutbox):
    mails.send_link(link, actor=user)
    links.revoke(link, actor=user)

    deliver()

    assert mailoutbox == []
    assert Delivery.objects.to_customers().get().state == DeliveryState.DROPPED
    with pytest.raises(mails.BadMail, match="over"):
        mails.send_link(link, actor=user)


def test_more_than_the_days_limit_sends_nothing(link, user, organization, settings):
    settings.MAX_LINK_MAILS_A_DAY = 2
    rows = [
        make_credential(
            organization, "stripe_key", contact_email=f"{number}@a.test", identity=f"a{number}"
        )
        for number in range(3)
    ]
    made, _ = links.create_reconnects(organization, rows, actor=user, batch=uuid4())

    with pytest.raises(mails.TooManyMails, match=r"3 mails .* is left today: 2 of 2"):
        mails.send_links(organization, made, actor=user)

    assert Delivery.objects.to_customers().count() == 0
    mails.send_links(organization, made[:2], actor=user)
    assert mails.left_today(organization) == 0
    with pytest.raises(mails.TooManyMails):
        mails.send_link(link, actor=user)


def test_an_organization_lowers_its_limit_and_the_next_day_is_new(
    link, user, organization, monkeypatch
):
    mails.save_mail_settings(organization, most_a_day=1, remind_hours=0, actor=user)
    mails.send_link(link, actor=user)
    assert mails.left_today(organization) == 0

    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert mails.left_today(organization) == 1
    with pytest.raises(mails.BadMail, match="allows 1,000"):
        mails.save_mail_settings(organization, most_a_day=1001, remind_hours=0, actor=user)


def test_a_link_is_not_mailed_without_end(link, user):
    for _ in range(mails.MOST_PER_LINK):
        mails.send_link(link, actor=user)

    with pytest.raises(mails.BadMail, match="5 times"):
        mails.send_link(link, actor=user)


def test_a_killed_worker_leaves_a_try_without_an_end(link, user):
    mail = mails.send_link(link, actor=user)
    (row,) = delivery.claim_due(1)
    assert delivery.start_attempt(row, clock.now())  # ... and is killed here

    Delivery.objects.filter(pk=row.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert LinkMail.objects.get(pk=mail.pk).unfinished_tries == 1
    deliver()

    sent = LinkMail.objects.get(pk=mail.pk)
    assert sent.delivery.attempts == 2
    assert sent.unfinished_tries == 1
    assert django_mail.outbox[0].extra_headers["Message-ID"].startswith(f"<{row.uid.hex}@")


def test_the_mail_is_not_sent_again_past_the_limit_by_redelivering(link, user):
    mail = mails.send_link(link, actor=user)
    deliver()

    with pytest.raises(outbox.NotRedeliverable, match="from its page"):
        outbox.redeliver(mail.delivery, actor=user)


def test_a_contact_is_reminded_once_before_the_end(link, user, mailoutbox, monkeypatch):
    mails.send_link(link, actor=user, remind_hours=24)
    deliver()
    assert mails.remind_due() == 0

    soon = link.expires_at - timedelta(hours=23)
    monkeypatch.setattr(clock, "now", lambda: soon)
    assert (mails.remind_due(), mails.remind_due()) == (1, 0)

    assert LinkMail.objects.filter(purpose=MailPurpose.REMINDER).count() == 1
    assert "Erinnerung" in Delivery.objects.latest("id").message.customer_title


@pytest.mark.parametrize("over", ["revoked_at", "completed_at"])
def test_nobody_is_reminded_of_a_link_that_is_over(link, user, over, monkeypatch):
    mails.send_link(link, actor=user, remind_hours=24)
    ConnectLink.objects.update(**{over: clock.now()})

    soon = link.expires_at - timedelta(hours=23)
    monkeypatch.setattr(clock, "now", lambda: soon)
    assert mails.remind_due() == 0


def test_an_organization_has_its_own_text(link, user, organization, mailoutbox):
    save = {"subject": TEXT.subject, "text": TEXT.text, "actor": user}
    mails.save_template(organization, "connect", "de", **save)

    mails.send_link(link, actor=user)
    deliver()

    assert mailoutbox[0].subject == "Your Stripe account"
    assert mails.remove_template(organization, "connect", "de", actor=user)
    assert mails.get_text(organization, "connect", "de").is_ours
