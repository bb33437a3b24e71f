"""A private key in any shape is the same key; what is none is refused with a sentence."""

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sequin_admin.credentials import private_keys
from sequin_admin.credentials.private_keys import rsa_key, rsa_or_ec_key
from tests.factories import PEM

KEY = private_keys.parse_key(PEM)
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
PLAIN = NoEncryption()


def pem(key, format=PrivateFormat.PKCS8, encryption=PLAIN):
    return key.private_bytes(Encoding.PEM, format, encryption).decode()


def base64_of(data):
    return base64.b64encode(data).decode()


PKCS1 = pem(KEY, PrivateFormat.TraditionalOpenSSL)
SHAPES = {
    "pkcs8": PEM,
    "pkcs1": PKCS1,
    "openssh": pem(KEY, PrivateFormat.OpenSSH),
    "newline at the end": f"{PEM}\n\n",
    "crlf": PKCS1.replace("\n", "\r\n"),
    "literal line breaks": PKCS1.replace("\n", "\\n"),
    "literal crlf": PKCS1.replace("\n", "\\r\\n"),
    "on one line": PEM.replace("\n", " "),
    "without line breaks": PEM.replace("\n", ""),
    "quoted": f'"{PEM}"',
    "quoted, literal line breaks": '"' + PEM.replace("\n", "\\n") + '"',
    "of an env file": "GITHUB_PRIVATE_KEY='" + PEM.replace("\n", "\\n") + "'",
    "of yaml": "private_key: " + PEM,
    "byte order mark": f"\ufeff{PEM}",
    "indented": "\n".join(f"    {line}" for line in PEM.splitlines()),
    "base64 of pem": base64_of(PKCS1.encode()),
    "base64 of pem in lines": base64.encodebytes(PEM.encode()).decode(),
    "base64 of der": base64_of(
        KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, PLAIN),
    ),
    "with what stands before": f"Here it is:\n{PEM}\nRegards",
    "with word's dashes": PEM.replace("--", "\u2014"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_same_key(shape):
    assert rsa_key(SHAPES[shape]) == PEM


def test_sec1_is_kept_as_pkcs8():
    sec1 = pem(CURVE_KEY, PrivateFormat.TraditionalOpenSSL)

    assert sec1.startswith("-----BEGIN EC PRIVATE KEY")
    assert rsa_or_ec_key(sec1) == rsa_or_ec_key(pem(CURVE_KEY)) == pem(CURVE_KEY).strip()
    assert rsa_or_ec_key(PKCS1) == PEM


def broken() -> str:
    """A key whose numbers do not belong together."""
    lines = PKCS1.splitlines()
    lines[3] = lines[3][::-1]
    return "\n".join(lines)


PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
UNREADABLE = {
    "not a key": private_keys.UNREADABLE,
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----": private_keys.UNREADABLE,
    PEM[: len(PEM) // 2]: private_keys.UNREADABLE,
    PEM.replace("-----END PRIVATE KEY-----", ""): private_keys.UNREADABLE,
    broken(): private_keys.UNREADABLE,
    "AAAA": private_keys.UNREADABLE,
    "https://example.com/key.pem": private_keys.UNREADABLE,
    PUBLIC: private_keys.PUBLIC,
    f"{PEM}\n{PKCS1}": private_keys.SEVERAL,
    pem(KEY, encryption=BestAvailableEncryption(b"hush")): private_keys.LOCKED,
    pem(
        KEY, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"hush")
    ): private_keys.LOCKED,
    pem(CURVE_KEY): private_keys.RSA_ONLY,
    pem(ed25519.Ed25519PrivateKey.generate()): private_keys.RSA_ONLY,
}


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_is_no_such_key_says_why(text):
    with pytest.raises(ValueError, match=re.escape(UNREADABLE[text])):
        rsa_key(text)


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP256K1()), ed25519.Ed25519PrivateKey.generate()]
)
def test_netsuite_takes_no_other_curve(key):
    with pytest.raises(ValueError, match="neither an RSA key nor one of the curves"):
        rsa_or_ec_key(pem(key))


def test_a_pasted_key_is_the_key_for_an_app_of_github(api, organization):
    body = {"provider": "github", "name": "x", "client_id": "y", "client_secret": "z"}
    more = {"app_id": "1", "slug": "us"}
    made = api.post("/v1/oauth-apps", body | {"properties": {**more, "private_key": PEM}}).json()
    address = f"/v1/oauth-apps/{made['id']}"

    same = api.patch(address, {"properties": {**more, "private_key": SHAPES["of an env file"]}})
    bad = api.patch(address, {"properties": {**more, "private_key": "garbage"}})

    assert same.json()["updated_at"] == made["updated_at"]
    assert bad.json()["validation_errors"] == {"properties.private_key": [private_keys.UNREADABLE]}
