"""/v1: mailing links, their texts and limit, and what customers see."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from sequin_admin.access.models import Logo
from sequin_admin.connect import links
from sequin_admin.connect.models import LinkMail
from sequin_admin.credentials import kinds
from tests.factories import make_credential

CONTACT = "duncan@arrakis.test"


@pytest.fixture
def link(organization, user):
    offered = [kinds.get("stripe_key")]
    return links.create(organization, offered, actor=user, contact_email=CONTACT)


def test_a_link_is_mailed_and_its_tries_are_read(api, link):
    path = f"/v1/connect-links/{link.pk}"

    sent = api.post(f"{path}/send", {"language": "fr", "remind_hours": 48})

    assert sent.status_code == 202
    assert (sent.json()["to"], sent.json()["language"]) == (CONTACT, "fr")
    (mail,) = api.get(f"{path}/mails").json()["data"]
    assert (mail["state"], mail["attempts"], mail["tries"]) == ("pending", 0, [])
    assert api.get(path).json()["remind_at"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"text": "{link} https://evil.test"}, 422, "text"),
        ({"subject": "a\nBcc: x@y.test"}, 422, "subject"),
        ({"to": "all@evil.test"}, 422, "to"),
        ({"language": "xx"}, 422, "language"),
        ({"remind_hours": 9999}, 422, "remind_hours"),
    ],
)
def test_a_mail_that_may_not_be_sent_is_refused(api, link, body, status, field):
    refused = api.post(f"/v1/connect-links/{link.pk}/send", body)

    assert refused.status_code == status
    assert field in refused.json()["validation_errors"]
    assert not LinkMail.objects.exists()


def test_a_link_of_another_organization_is_unknown(api, stranger):
    other = stranger.organizations.get()
    strange = links.create(other, [kinds.get("stripe_key")], actor=None, contact_email="x@y.test")

    assert api.post(f"/v1/connect-links/{strange.pk}/send", {}).status_code == 404
    many = api.post("/v1/connect-links/send", {"link_ids": [str(strange.pk)]})
    assert many.json()["left_out"][0]["reason"].startswith("There is no connect link")
    assert not LinkMail.objects.exists()


def test_a_batch_is_mailed_and_what_is_above_the_limit_refused(api, organization, settings):
    rows = [
        make_credential(organization, "stripe_key", identity=f"a{n}", contact_email=f"{n}@a.test")
        for n in range(3)
    ]
    ids = [str(row.pk) for row in rows]
    batch = api.post("/v1/connect-links/bulk", {"credential_ids": ids}).json()["batch"]

    settings.MAX_LINK_MAILS_A_DAY = 2
    assert api.post("/v1/connect-links/send", {"batch": batch}).status_code == 409
    assert not LinkMail.objects.exists()
    settings.MAX_LINK_MAILS_A_DAY = 5
    answer = api.post("/v1/connect-links/send", {"batch": batch}).json()
    assert (len(answer["data"]), answer["left_today"]) == (3, 2)
    assert api.post("/v1/connect-links/send", {"batch": batch}).json()["data"] == []


def test_a_text_is_replaced_and_reset(api):
    path = "/v1/mail-templates/reminder/ja"

    assert api.get(path).json()["is_ours"] is True
    changed = api.put(path, {"subject": "Hi", "text": "{link}"})
    assert (changed.status_code, changed.json()["is_ours"]) == (200, False)
    assert api.put(path, {"subject": "Hi", "text": "{nothing}"}).status_code == 422
    assert api.delete(path).status_code == 204
    assert len(api.get("/v1/mail-templates").json()["data"]) == 15
    assert api.get("/v1/mail-templates/reminder/xx").status_code == 404


def test_the_limit_is_lowered(api):
    path = "/v1/organization/mail-settings"

    api.put(path, {"most_a_day": 7, "remind_hours": 0})

    assert api.get(path).json()["left_today"] == 7
    assert api.put(path, {"most_a_day": 2000, "remind_hours": 0}).status_code == 422


def test_what_customers_see_is_changed(api):
    path = "/v1/organization/branding"
    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")

    picture = base64.b64encode(out.getvalue()).decode()
    changed = api.patch(path, {"accent": "#1d4ed8", "logo": picture})

    assert changed.json()["accent"] == "#1d4ed8"
    assert Logo.objects.exists()
    assert api.patch(path, {"accent": "#ffffff"}).status_code == 422
    assert api.patch(path, {"logo": base64.b64encode(b"<svg/>").decode()}).status_code == 422
    api.patch(path, {"logo": ""})
    assert not Logo.objects.exists()
