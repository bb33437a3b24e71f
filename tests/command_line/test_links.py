"""Commands that mail links, and those of what customers see."""

from uuid import uuid4

import pytest
from PIL import Image

from sequin_admin.access.models import Branding, Logo
from sequin_admin.connect import links
from sequin_admin.connect.models import LinkMail, MailSettings, MailTemplate
from tests.factories import make_credential


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", contact_email="duncan@arrakis.test")


def test_a_link_is_made_and_mailed(run, tmp_path):
    made = run(
        *("credentials", "connect-link", "--kind", "stripe_key", "--contact", "d@a.test"),
        *("--language", "ja", "--json"),
    )
    id, text = made.json["id"], tmp_path / "text"
    text.write_text("Please: {link}")

    sent = run("links", "send", id, "--text-file", str(text), "--remind", "0")
    assert (sent.code, sent.err) == (0, "")
    assert "d@a.test" in sent.out
    text.write_text("{link} https://evil.test")
    refused = run("links", "send", id, "--text-file", str(text))
    assert "looks like another link" in refused.err
    (mail,) = run("links", "mails", id, "--json").json["data"]
    assert (mail["language"], mail["state"]) == ("ja", "pending")


def test_a_batch_is_mailed(run, organization, credential):
    batch = uuid4()
    links.create_reconnects(organization, [credential], actor=None, batch=batch)

    ran = run("links", "send-batch", str(batch))

    assert (ran.code, LinkMail.objects.count()) == (0, 1)


def test_what_customers_see_is_set(run, organization, tmp_path):
    logo, text = tmp_path / "logo.png", tmp_path / "text"
    Image.new("RGB", (8, 8)).save(logo)
    text.write_text("{link}")

    assert run("branding", "set", "--accent", "#1d4ed8", "--logo", str(logo)).code == 0
    assert "In the light theme" in run("branding", "set", "--accent", "#ffffff").err
    assert "#1d4ed8" in run("branding", "get").out
    mail = ("branding", "set-mail", "connect", "de", "--subject", "Hallo")
    assert run(*mail, "--text-file", str(text)).code == 0
    assert "Hallo" in run("branding", "mails").out
    assert run("branding", "limit-mails", "--a-day", "7").code == 0

    assert Logo.objects.exists()
    assert Branding.objects.get().accent == "#1d4ed8"
    assert MailTemplate.objects.get().text == "{link}"
    assert MailSettings.objects.get().most_a_day == 7
    assert run("branding", "reset-mail", "connect", "de").code == 0
    assert not MailTemplate.objects.exists()
