"""OAuth 1.0a signatures, compared with those of oauthlib."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import Client as Signer
from oauthlib.oauth1.rfc5849 import signature as oauthlib

from sequin_admin.client.signing import authorization, base_string, signature

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
pairs = st.lists(st.tuples(text.filter(bool), text), max_size=4)
SIGNING = {
    "client_key": "key",
    "client_secret": "secret & more",
    "resource_owner_key": "token",
    "resource_owner_secret": "söcret",
    "signature_method": "HMAC-SHA256",
    "realm": "1234567_SB1",
}


@given(query=pairs, form=pairs, port=st.sampled_from(["", ":443", ":8443"]))
def test_whatever_is_signed_is_signed_as_oauthlib_does(query, form, port):
    url = f"https://Example.COM{port}/a%20path?{urlencode(query)}"
    claims = {"oauth_nonce": "n", "oauth_timestamp": "1"}
    params = [*claims.items(), *form]
    asked = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    normal = oauthlib.normalize_parameters([*asked, *params])
    expected = oauthlib.signature_base_string("POST", oauthlib.base_string_uri(url), normal)

    assert base_string("POST", url, params) == expected
    body = urlencode(form).encode()
    assert signature(SIGNING, "POST", url, body, claims) == oauthlib.sign_hmac_sha256_with_client(
        expected, Signer(**SIGNING)
    )


def test_no_signature_comes_twice():
    made = {authorization(SIGNING, "GET", "https://example.com/") for _ in range(20)}

    assert len(made) == 20


@pytest.mark.parametrize("secret", ["client_secret", "resource_owner_secret"])
def test_secrets_sign_and_are_not_sent(secret):
    assert SIGNING[secret] not in authorization(SIGNING, "GET", "https://example.com/")
