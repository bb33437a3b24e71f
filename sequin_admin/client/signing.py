"""OAuth 1.0a with HMAC-SHA256 (RFC 5849 section 3), for NetSuite's token-based authentication."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit


def authorization(signing: Mapping[str, str], method: str, url: str, form: bytes = b"") -> str:
    """The `Authorization` header of one request. `form` is its body, if that is a form."""
    claims = {
        "oauth_consumer_key": signing["client_key"],
        "oauth_token": signing["resource_owner_key"],
        "oauth_signature_method": signing["signature_method"],
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": secrets.token_hex(16),
        "oauth_version": "1.0",
    }
    signed = signature(signing, method, url, form, claims)
    shown = {"realm": signing["realm"], **claims, "oauth_signature": signed}
    return "OAuth " + ", ".join(f'{name}="{escape(value)}"' for name, value in shown.items())


def signature(
    signing: Mapping[str, str], method: str, url: str, form: bytes, claims: Mapping[str, str]
) -> str:
    key = f"{escape(signing['client_secret'])}&{escape(signing['resource_owner_secret'])}"
    base = base_string(method, url, [*claims.items(), *parse_qsl(form.decode(), True)])
    made = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
    return base64.b64encode(made).decode()


def base_string(method: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """RFC 5849 section 3.4.1: the method, the address without query, the sorted parameters."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removesuffix({"https": ":443", "http": ":80"}[parts.scheme])
    bare = urlunsplit((parts.scheme, host, parts.path or "/", "", ""))
    asked = parse_qsl(parts.query, keep_blank_values=True)
    pairs = sorted((escape(name), escape(value)) for name, value in [*asked, *params])
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), escape(bare), escape(joined)))


def escape(text: str) -> str:
    """RFC 5849 section 3.6."""
    return quote(text, safe="~")
