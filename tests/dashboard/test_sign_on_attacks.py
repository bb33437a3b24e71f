"""What others could try with a sign-on: their cookie, their address, their provider."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from sequin_admin.dashboard.sign_on_protocol import SignOnProvider
from tests.dashboard.test_sign_on import BEGIN, PAUL, at_provider, is_signed_in, sign_on, trust

__all__ = ["at_provider", "sign_on", "trust"]


def test_a_planted_cookie_opens_nothing_after_a_sign_on(client, user, trust, at_provider):
    begun = client.post(BEGIN)
    planted = client.session.session_key

    client.get(at_provider(begun["Location"], PAUL))

    assert is_signed_in(client)
    assert client.session.session_key != planted
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert not is_signed_in(attacker)


@pytest.mark.parametrize(
    "next_url",
    [
        *("https://evil.test/", "//evil.test/", "/\\\\evil.test", "javascript:alert(1)"),
        *("https:evil.test", "///evil.test", "http://testserver@evil.test/", "\x00//evil.test"),
    ],
)
def test_it_ends_on_a_page_of_ours(client, user, sign_on, next_url):
    answer = sign_on(next_url=next_url)

    assert is_signed_in(client)
    assert answer["Location"] == "/"


def test_the_same_subject_of_another_issuer_is_somebody_else(
    client, user, trust, sign_on, oauth_server
):
    sign_on()
    known = SocialAccount.objects.get()
    assert known.extra_data["iss"] == f"{oauth_server}/o"
    # As if the setting had named another issuer when the account was connected.
    other = {"iss": "https://other.test", "sub": known.extra_data["sub"]}
    assert SignOnProvider.extract_uid(None, other) != known.uid
    SocialAccount.objects.update(uid=SignOnProvider.extract_uid(None, other))
    trust(trust_email=False)
    client.logout()

    assert sign_on().status_code == 403
    assert not is_signed_in(client)


def test_a_nonce_of_an_earlier_sign_on_is_refused(client, user, sign_on, trust, at_provider):
    """Whoever has an old ID token of the person has nothing of it."""
    first = client.post(BEGIN)["Location"].split("nonce=")[1].split("&")[0]

    answer = sign_on({**PAUL, "nonce": first})

    assert answer.status_code == 403
    assert not is_signed_in(client)
