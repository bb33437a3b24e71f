"""Private keys in whatever shape they are pasted, kept in one: PKCS #8 in PEM (RFC 7468)."""

import base64
import math
import re
import textwrap
from collections.abc import Callable
from functools import partial

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from sequin_admin.core.wrapping import unwrapped

_URL_SAFE = str.maketrans("-_", "+/")
# Word processors make one dash of two hyphens.
_DASHES = r"[-\u2013\u2014]+ ?"
_BLOCK = re.compile(
    rf"{_DASHES}BEGIN ([A-Z0-9 ]+?){_DASHES}(.*?){_DASHES}END \1{_DASHES}", re.DOTALL
)
# NIST's curves by the algorithms that sign with them (RFC 7518 section 3.4).
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

load_pem = partial(serialization.load_pem_private_key, unsafe_skip_rsa_key_validation=True)
load_der = partial(serialization.load_der_private_key, unsafe_skip_rsa_key_validation=True)

UNREADABLE = (
    "This is no private key that can be read. Paste the whole .pem file, from BEGIN to END, as it "
    "was downloaded."
)
LOCKED = (
    "This private key is locked with a password. Unlock it, as with openssl pkey -in key.pem, and "
    "paste the result."
)
PUBLIC = (
    "This is a certificate or a public key. Paste the private key that belongs to it: it begins "
    "with BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY."
)
SEVERAL = "There is more than one private key here. Paste the one that is meant."
RSA_ONLY = "This is no RSA key, and the provider takes no other. Paste the one that it made."
RSA_OR_EC = (
    "This is neither an RSA key nor one of the curves P-256, P-384 and P-521, and the provider "
    "takes no other. Make such a key, upload its certificate there, and paste the key."
)


def rsa_key(text: str) -> str:
    """The RSA key as it is kept. Raises `ValueError` with a sentence."""
    key = parse_key(text)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(RSA_ONLY)
    return as_pem(key)


def is_coherent(key: rsa.RSAPrivateKey) -> bool:
    """Whether its numbers belong together. That p and q are primes would take 50 ms to see, and a
    minute for a thousand keys."""
    numbers = key.private_numbers()
    p, q, public = numbers.p, numbers.q, numbers.public_numbers
    return p * q == public.n and (numbers.d * public.e - 1) % math.lcm(p - 1, q - 1) == 0


def rsa_or_ec_key(text: str) -> str:
    """The key, RSA or of a curve in `CURVES`, as it is kept. Raises `ValueError`."""
    return as_pem(parse_rsa_or_ec_key(text))


def parse_rsa_or_ec_key(text: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    key = parse_key(text)
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return key
    raise ValueError(RSA_OR_EC)


def as_pem(key: PrivateKeyTypes) -> str:
    return str(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
        .strip()
    )


def parse_key(text: str) -> PrivateKeyTypes:
    """The one private key in PKCS #1, PKCS #8, SEC 1 or OpenSSH's format. Raises `ValueError`.

    Its PEM may be on one line, quoted, with line breaks written out, or in base64 again; without
    BEGIN and END it is DER in base64.
    """
    bare = unwrapped(text).replace("\\r", "\n").replace("\\n", "\n")
    if "BEGIN " not in bare:
        decoded = from_base64(bare)
        if b"BEGIN " not in decoded:
            return load(load_der, decoded)
        bare = decoded.decode(errors="replace").replace("\\n", "\n")
    blocks = _BLOCK.findall(bare)
    private = [(label, body) for label, body in blocks if label.endswith("PRIVATE KEY")]
    if not private:
        raise ValueError(PUBLIC if blocks else UNREADABLE)
    if len(private) > 1:
        raise ValueError(SEVERAL)
    [(label, body)] = private
    if "ENCRYPTED" in label or "ENCRYPTED" in body:
        raise ValueError(LOCKED)
    lines = "\n".join(textwrap.wrap(re.sub(r"\s+", "", body), 64))
    pem = f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()
    if label.startswith("OPENSSH"):
        return load(serialization.load_ssh_private_key, pem)
    return load(load_pem, pem)


def from_base64(text: str) -> bytes:
    """Raises `ValueError` for what is no base64, of either alphabet."""
    try:
        return base64.b64decode(re.sub(r"\s+", "", text).translate(_URL_SAFE), validate=True)
    except ValueError:
        raise ValueError(UNREADABLE) from None


def load(loader: Callable[..., PrivateKeyTypes], data: bytes) -> PrivateKeyTypes:
    try:
        key = loader(data, password=None)
    except TypeError:  # it takes a password
        raise ValueError(LOCKED) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(UNREADABLE) from None
    if isinstance(key, rsa.RSAPrivateKey) and not is_coherent(key):
        raise ValueError(UNREADABLE)
    return key
