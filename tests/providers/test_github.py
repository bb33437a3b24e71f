"""GitHub: the private key with which the app signs."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sequin_admin.credentials.kinds import OAuthContext
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.private_keys import parse_key
from sequin_admin.providers.github.app import app_jwt
from tests.factories import PEM

CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
UNUSABLE = {
    "no key": "spice",
    "of a curve": CURVE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "public": parse_key(PEM)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE)
def test_a_stored_key_that_signs_nothing_is_ours_to_replace(key):
    pem = key.decode() if isinstance(key, bytes) else key

    with pytest.raises(Refused) as refused:
        app_jwt(OAuthContext("Iv1.arrakis", {"private_key": pem}))

    assert refused.value.outcome.code == "private_key"
    assert "Generate a private key" in str(refused.value.outcome)


def test_a_usable_one_signs():
    assert app_jwt(OAuthContext("Iv1.arrakis", {"private_key": PEM})).count(".") == 2
