"""The staff admin has the product's colours and words."""

import re

import pytest
from django.conf import settings
from django.urls import reverse

from sequin_admin.access.models import User
from sequin_admin.audit.models import record_change
from tests.factories import make_credential

COLOUR = r"light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)"


def colours_of(sheet):
    return set(re.findall(COLOUR, (settings.BASE_DIR / "static" / "css" / sheet).read_text()))


@pytest.mark.parametrize("sheet", ["staff.css", "reference.css"])
def test_other_sheets_have_the_colours_of_the_product(sheet):
    assert colours_of(sheet) <= colours_of("app.css")


@pytest.fixture
def staff(client, db):
    client.force_login(User.objects.create_superuser("irulan", "irulan@corrino.test"))
    return client


def test_staff_pages_speak_of_the_product(staff):
    page = staff.get(reverse("admin:index")).text

    assert "<title>What staff may look at · Sequin Admin: staff</title>" in page
    assert 'href="/static/css/staff.css"' in page
    assert "Back to Sequin Admin" in page
    sections = re.findall(r"<caption>(.*?)</caption>", page)
    assert {"Access", "Sign-in", "Providers"} <= set(sections)
    assert len(sections) == len(set(sections))
    assert not re.search("Django|application|Recent actions|Authentication|Social", page)


def test_a_list_says_what_it_lists(staff, organization):
    stored = make_credential(organization, "stripe_key")

    page = staff.get(reverse("admin:providers_stripekey_changelist")).text

    assert "<h1>Stripe API key</h1>" in page
    assert str(stored) in page
    assert f'aria-label="Tick {stored}"' in page
    assert not re.search("Select |this object|objects", page)


def test_the_history_of_a_row_is_that_of_the_audit_log(staff, organization, user):
    stored = make_credential(organization, "stripe_key")
    other = make_credential(organization, "stripe_key", identity="other")
    for row, action in ((stored, "credential.disabled"), (other, "credential.deleted")):
        record_change(row, action, user)
    page = reverse("admin:providers_stripekey_history", args=[stored.pk])

    shown = staff.get(page, follow=True).text

    rows = re.findall(r'field-action">([^<]+)<', shown)
    assert rows == ["credential.disabled"]
