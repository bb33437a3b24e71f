"""`/.well-known/security.txt` (RFC 9116), by setting."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from sequin_admin.core import clock
from sequin_admin.core.env import env
from sequin_admin.gateway import security_txt
from sequin_admin.gateway.security_txt import SecurityContact

ADDRESS = "/.well-known/security.txt"
EXPIRES = f"{clock.now() + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}"


def test_it_is_there_when_a_contact_is_set(client, monkeypatch, settings):
    settings.PUBLIC_URL = "https://admin.example.com"
    assert client.get(ADDRESS).status_code == 404
    monkeypatch.setenv("SECURITY_CONTACT", "mailto:s@example.com,https://example.com/report")
    monkeypatch.setenv("SECURITY_CONTACT_EXPIRES", EXPIRES)
    monkeypatch.setattr(security_txt, "CONTACT", SecurityContact.from_environment(env))

    answer = client.get(ADDRESS)

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().splitlines() == [
        "Contact: mailto:s@example.com",
        "Contact: https://example.com/report",
        f"Expires: {EXPIRES}",
        f"Canonical: https://admin.example.com{ADDRESS}",
    ]


def test_one_that_holds_no_longer_is_not_served_and_warned_of(client, monkeypatch):
    monkeypatch.setattr(
        security_txt, "CONTACT", SecurityContact(("mailto:s@example.com",), EXPIRES)
    )
    assert client.get(ADDRESS).status_code == 200
    assert security_txt.check_security_contact() == []

    with clock.at(clock.now() + timedelta(days=91)):
        [warning] = security_txt.check_security_contact()
        answer = client.get(ADDRESS)

    assert answer.status_code == 404
    assert EXPIRES in warning.msg


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SECURITY_CONTACT": "s@example.com"}, "with its scheme"),
        ({"SECURITY_CONTACT": "mailto:s@example.com"}, "SECURITY_CONTACT_EXPIRES must be set"),
        (
            {"SECURITY_CONTACT": "tel:+1", "SECURITY_CONTACT_EXPIRES": "2027-06-30"},
            "SECURITY_CONTACT_EXPIRES must be set",
        ),
        ({"SECURITY_POLICY_URL": "http://example.com"}, "https://"),
    ],
)
def test_what_is_wrong_is_refused_at_start(monkeypatch, variables, sentence):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=sentence):
        SecurityContact.from_environment(env)
