"""Verification of OAuth 1.0a signatures (RFC 5849), with HMAC-SHA256."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote

from django.http import HttpRequest

from sequin_admin.simulator.models import Hit, SimulatedAccount, SimulatedClient, now

TOLERANCE_S = 300
REQUIRED = {"oauth_consumer_key", "oauth_token", "oauth_nonce", "oauth_timestamp"}


def parse_authorization(request: HttpRequest) -> dict[str, str]:
    """The parameters of an `Authorization: OAuth` header (section 3.5.1)."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "oauth":
        return {}
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', rest)}


def find_signature_error(
    request: HttpRequest, url: str, account: SimulatedAccount, client: SimulatedClient
) -> str:
    """NetSuite's error code for the signed request; empty when the signature is valid."""
    given, known = parse_authorization(request), client.extra
    if not given.keys() >= REQUIRED or given.get("realm") != account.external_id:
        return "parameter_absent"
    if given["oauth_consumer_key"] != known["consumer_key"]:
        return "consumer_key_unknown"
    # Token-based authentication ends, tentatively, with 2028.2.
    if account.has("block_integration") or account.has("refuse_legacy"):
        return "consumer_key_refused"
    if given["oauth_token"] != known["token_id"] or account.has("disable_user"):
        return "token_rejected"
    if account.has("revoke_token"):
        return "token_revoked"
    if given.get("oauth_signature_method") != "HMAC-SHA256":
        return "signature_method_rejected"
    stamp = given["oauth_timestamp"]
    if not stamp.isdigit() or abs(now().timestamp() - int(stamp)) > TOLERANCE_S:
        return "timestamp_refused"
    key = f"{encoded(known['consumer_secret'])}&{encoded(known['token_secret'])}"
    query = parse_qsl(request.META["QUERY_STRING"], keep_blank_values=True)
    signed = [*query, *((n, v) for n, v in given.items() if n not in ("realm", "oauth_signature"))]
    wanted = signature(base_string(request.method or "GET", url, signed), key)
    if not hmac.compare_digest(wanted, given.get("oauth_signature", "")):
        return "signature_invalid"
    return "nonce_used" if seen_before(given["oauth_nonce"]) else ""


def seen_before(nonce: str) -> bool:
    _, new = Hit.objects.get_or_create(key=f"netsuite:nonce:{nonce}", defaults={"at": now()})
    return not new


def encoded(text: str) -> str:
    """Percent-encoded as in section 3.6."""
    return quote(text, safe="~")


def base_string(method: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """The signature base string of sections 3.4.1.1 and 3.4.1.3.2."""
    pairs = sorted((encoded(name), encoded(value)) for name, value in params)
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), encoded(url), encoded(joined)))


def signature(text: str, key: str) -> str:
    """The signature of section 3.4.2, with SHA-256 in place of SHA-1."""
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
