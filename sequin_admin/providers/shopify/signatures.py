"""Verification of Shopify's signed requests.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome

SHOP = r"[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com"
TIMESTAMP = r"[0-9]{1,12}"
TOLERANCE_S = 90


def is_authentic(params: Mapping[str, str], client_secret: str) -> bool:
    """Whether `params` are recent, signed by Shopify for this app, and name a shop."""
    named = re.fullmatch(SHOP, params.get("shop", ""))
    return bool(named) and is_recent(params) and has_valid_signature(params, client_secret)


def has_valid_signature(params: Mapping[str, str], client_secret: str) -> bool:
    """HMAC-SHA256 of all parameters but `hmac` and `signature`, sorted, as `k=v&k=v`."""
    names = sorted(set(params) - {"hmac", "signature"})
    message = "&".join(f"{name}={params[name]}" for name in names).encode()
    made = hmac.new(client_secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), params.get("hmac", "").encode())


def is_recent(params: Mapping[str, str]) -> bool:
    stamp = params.get("timestamp", "")
    if not re.fullmatch(TIMESTAMP, stamp):
        return False
    return abs(clock.now().timestamp() - int(stamp)) <= TOLERANCE_S


def forged_callback() -> Outcome:
    return outcomes.operator(
        "hmac",
        "The answer from Shopify is not signed with our app's secret, is older than "
        f"{TOLERANCE_S} seconds or names another shop.",
        "Compare the OAuth app's secret with Shopify's and start again.",
    )


def forged_install() -> Outcome:
    return outcomes.operator(
        "hmac",
        "This address was not opened by Shopify for this app, or more than "
        f"{TOLERANCE_S} seconds ago.",
        "Open the app from Shopify again; if that does not help, compare the OAuth app's secret "
        "with Shopify's.",
    )
