"""The pages that mail links, and those of their texts and the organization's look."""

import re

import pytest

from sequin_admin.access.models import Branding
from sequin_admin.access.policy import Role
from sequin_admin.connect import batches, links, mails
from sequin_admin.connect.models import Batch, LinkMail, MailTemplate
from sequin_admin.credentials import kinds
from sequin_admin.notifications.models import Delivery
from tests.conftest import confirm_login, make_member
from tests.dashboard.conftest import address
from tests.dashboard.test_batches import bulk, confirm, work
from tests.factories import make_credential

CONTACT = "duncan@arrakis.test"


@pytest.fixture
def link(organization, user):
    offered = [kinds.get("stripe_key")]
    return links.create(organization, offered, actor=user, contact_email=CONTACT)


@pytest.fixture
def sure(owner):
    confirm_login(owner)
    return owner


def filled(page, **changes):
    """The data of the form as the page has it."""
    text = page.content.decode()
    form = page.context["form"]
    data = {field.name: field.value() for field in form if field.value() is not None}
    hidden = re.findall(r'type="hidden" name="(mail|language|seen)" value="([^"]*)"', text)
    return {**data, **dict(hidden), **changes}


def test_a_link_is_looked_at_changed_and_sent(owner, link):
    page = owner.get(address("connect_link_send", link.pk) + "?language=de")
    assert "Arrakis bittet Sie" in page.content.decode()
    assert links.address(link) not in page.content.decode()

    data = filled(page, text="Moin {link}")
    previewed = owner.post(address("connect_link_send", link.pk), {**data, "preview": "1"})
    assert "Moin https://…/link/connect/…" in previewed.content.decode()
    assert not LinkMail.objects.exists()

    for _ in range(2):
        sent = owner.post(address("connect_link_send", link.pk), data)
        assert sent.status_code == 302
    assert LinkMail.objects.get().language == "de"
    detail = owner.get(address("connect_link", link.pk)).content.decode()
    assert f"Link to {CONTACT}" in detail
    assert "Send again" in detail


def test_another_link_in_the_text_is_refused_with_a_sentence(owner, link):
    page = owner.get(address("connect_link_send", link.pk))

    data = filled(page, text="{link} or https://evil.test/")
    refused = owner.post(address("connect_link_send", link.pk), data)

    assert refused.status_code == 422
    assert "looks like another link" in refused.content.decode()
    assert not Delivery.objects.exists()


def test_an_address_in_the_form_changes_nothing(owner, link):
    page = owner.get(address("connect_link_send", link.pk))

    owner.post(address("connect_link_send", link.pk), filled(page, to="all@evil.test"))

    assert LinkMail.objects.get().to == CONTACT


def test_the_mail_servers_refusal_is_shown_on_the_page(owner, link, user):
    mail = mails.send_link(link, actor=user)
    said = "The mail server refused it (550): no such user"
    Delivery.objects.filter(pk=mail.delivery_id).update(
        attempts=2, last_error=said, log=[{"at": "2026-11-29T10:00:00+00:00", "status": 550,
                                           "error": said, "ms": 3}] * 2,
    )  # fmt: skip

    page = owner.get(address("connect_link", link.pk)).content.decode()

    assert said in page
    assert "2 tries" in page


def test_a_link_without_a_contact_says_so(owner, organization, user):
    link = links.create(organization, [kinds.get("stripe_key")], actor=user)

    page = owner.get(address("connect_link_send", link.pk)).content.decode()

    assert "No mail address of the customer is known" in page
    assert 'name="text"' not in page


def test_a_viewer_sends_nothing(client, organization, link, user):
    client.force_login(make_member(organization, "v@arrakis.test", Role.VIEWER))

    assert client.post(address("connect_link_send", link.pk)).status_code == 403
    assert not LinkMail.objects.exists()


def broken(organization, count):
    for number in range(count):
        make_credential(
            organization, "stripe_key", identity=f"acct_{number}", name=f"N{number}",
            contact_email=f"c{number}@a.test" if number else "",
            health_status="customer_intervention",
        )  # fmt: skip


def test_a_batch_is_made_and_sent_in_one(owner, organization):
    broken(organization, 4)
    url = bulk("all=1")
    assert "3 of them have a contact" in owner.get(url).content.decode()

    confirm(owner, url, send="on", language="ja")
    work()

    assert LinkMail.objects.count() == 3
    assert {mail.language for mail in LinkMail.objects.all()} == {"ja"}
    page = owner.get(address("batch", Batch.objects.get().pk)).content.decode()
    assert re.search(r"1 open without\s+a contact", page)


def test_a_batch_above_the_days_limit_says_so_and_sends_the_rest_later(
    owner, organization, settings
):
    settings.MAX_LINK_MAILS_A_DAY = 2
    broken(organization, 5)
    confirm(owner, bulk("all=1"))
    work()
    batch = Batch.objects.get()
    url = address("batch_send", batch.pk)

    page = owner.get(url)
    assert "Mails left today: 2 of 2, so 2 of these" in " ".join(page.content.decode().split())
    owner.post(url, filled(page))
    work()

    assert LinkMail.objects.count() == 2
    batch.refresh_from_db()
    assert "Send the rest tomorrow" in batch.failure
    settings.MAX_LINK_MAILS_A_DAY = 10
    owner.post(url, filled(owner.get(url)))
    work()
    assert LinkMail.objects.values("link").distinct().count() == LinkMail.objects.count() == 4


def test_a_batch_is_mailed_in_few_statements(
    owner, organization, user, django_assert_max_num_queries
):
    broken(organization, 30)
    confirm(owner, bulk("all=1"), send="on")
    (claimed,) = batches.claim_due(1)

    with django_assert_max_num_queries(55):
        batches.work_claimed(claimed)

    assert LinkMail.objects.count() == 29


def test_a_text_is_saved_previewed_and_reset(sure):
    url = address("mail_template", "reconnect", "en")
    data = filled(sure.get(url), subject="Once more", text="{account}: {link}")

    previewed = sure.post(url, {**data, "preview": "1"}).content.decode()
    assert "arrakis.com · 21902692: https://…/link/connect/…" in previewed
    assert sure.post(url, {**data, "text": "{account}"}).status_code == 422
    assert sure.post(url, data).status_code == 302
    assert MailTemplate.objects.get().subject == "Once more"
    sure.post(url, {"reset": "1"})
    assert not MailTemplate.objects.exists()


def test_colours_are_previewed_and_saved(sure):
    url = address("branding")
    data = filled(sure.get(url), accent="#93c5fd")

    refused = sure.post(url, data)
    assert refused.status_code == 422
    assert "In the light theme the links (#93c5fd)" in refused.content.decode()
    previewed = sure.post(url, {**data, "accent": "#1d4ed8", "preview": "1"})
    style = re.search(r'href="(/branding/style.css[^"]*)"', previewed.content.decode())[1]
    assert ".brand-preview { --accent: light-dark(#1d4ed8" in sure.get(style).content.decode()
    assert not Branding.objects.exists()
    sure.post(url, {**data, "accent": "#1d4ed8"})
    assert Branding.objects.get().accent == "#1d4ed8"


def test_the_preview_takes_colours_only(sure):
    assert sure.get(address("branding_style") + "?accent=red;}*{x:y").status_code == 404
