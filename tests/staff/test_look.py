"""The staff admin has the product's colours and words."""

import re

import pytest
from django.conf import settings
from django.urls import reverse

from sequin_admin.access.models import User

COLOUR = r"light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)"


def colours_of(sheet):
    return set(re.findall(COLOUR, (settings.BASE_DIR / "static" / "css" / sheet).read_text()))


@pytest.mark.parametrize("sheet", ["staff.css", "reference.css"])
def test_other_sheets_have_the_colours_of_the_product(sheet):
    assert colours_of(sheet) <= colours_of("app.css")


def test_staff_pages_speak_of_the_product(client, db):
    user = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")
    client.force_login(user)

    page = client.get(reverse("admin:index")).content.decode()

    assert "<title>What staff may look at · Sequin Admin: staff</title>" in page
    assert 'href="/static/css/staff.css"' in page
    assert "Back to Sequin Admin" in page
    assert "Django" not in page
