"""Colours that can be read, and nothing else, get into a style sheet."""

import re
from pathlib import Path

import pytest

from sequin_admin.access import branding
from sequin_admin.access.models import Branding
from sequin_admin.audit.models import Event
from sequin_admin.core.contrast import contrast, text_colour_on

pytestmark = pytest.mark.django_db


def save(organization, user, **values):
    return branding.save_branding(organization, values, actor=user)


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"accent": "#93c5fd"}, "accent", "In the light theme the links (#93c5fd) on the card"),
        ({"accent_dark": "#1d4ed8"}, "accent_dark", "In the dark theme the links (#1d4ed8)"),
        ({"ground": "#4b5a70"}, "ground", "In the light theme the text (#0f172a) on the page"),
        ({"ground_dark": "#667894"}, "ground_dark", "Choose a darker colour."),
        ({"ground": "#a8b0bc"}, "ground", "the muted text (#4b5a70) on the page (#a8b0bc)"),
    ],
)
def test_colours_that_can_not_be_read_are_refused_with_the_pair(
    organization, user, values, field, told
):
    with pytest.raises(branding.BadBranding) as refused:
        save(organization, user, **values)

    assert told in refused.value.fields[field]
    assert not Branding.objects.exists()


@pytest.mark.parametrize(
    "colour",
    [
        "red",
        "#fff",
        "#1d4ed8;}body{display:none",
        "url(//evil.test)",
        "#1d4ed8\n",
        "#\uff11\uff12\uff13\uff14\uff15\uff16",
    ],
)
def test_what_is_no_colour_gets_into_no_style_sheet(organization, user, colour):
    with pytest.raises(branding.BadBranding):
        save(organization, user, accent=colour + ";")

    forged = Branding(organization=organization, accent=colour)
    assert branding.style_sheet(forged) == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("support", "javascript:alert(1)"),
        ("support", "a@b.test?bcc=c@d.test"),
        ("support", "a@b.test, c@d.test"),
        ("support", "http://a.test"),
        ("privacy_url", "https://user@evil.test/"),
        ("privacy_url", "https://a.test/\" onclick='x'"),
        ("privacy_url", "//a.test"),
        ("language", "xx"),
    ],
)
def test_wrong_addresses_are_refused(organization, user, field, value):
    with pytest.raises(branding.BadBranding) as refused:
        save(organization, user, **{field: value})

    assert field in refused.value.fields


def test_a_change_is_audited_with_what_was_before(organization, user):
    save(organization, user, accent="#1D4ED8", support="help@arrakis.test")
    save(organization, user, accent="")

    event = Event.objects.filter(action="organization.branding_changed").first()
    assert event.details == {"before": {"accent": "#1d4ed8"}, "after": {"accent": ""}}


@pytest.mark.parametrize("colour", ["#1d4ed8", "#ffffff", "#777777", "#ff0000", "#00ff00"])
def test_a_button_can_always_be_read(colour):
    assert contrast(text_colour_on(colour), colour) >= 4.5


def test_our_colours_are_those_of_the_style_sheet():
    css = (Path(__file__).parents[2] / "static/css/app.css").read_text()
    variables = {"accent": "accent-text", "ground": "surface", "card": "card"}
    variables |= {"text": "text", "muted text": "muted"}
    for place, theme in enumerate(branding.OURS):
        for name, colour in {**branding.OURS[theme], **branding.TEXTS[theme]}.items():
            pair = re.search(rf"--{variables[name]}: light-dark\((\S+), (\S+)\);", css)
            assert pair[place + 1] == colour
    assert "--accent: light-dark(#4f46e5, #5850ec);" in css
