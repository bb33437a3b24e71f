"""Verification of Shopify's signed requests.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

from sequin_admin.core import clock
from sequin_admin.core.redaction import redact
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import OAuthContext
from sequin_admin.credentials.outcomes import Outcome, Refused

SHOP = r"[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com"
TIMESTAMP = r"[0-9]{1,12}"
TOLERANCE_S = 90


def find_fault(params: Mapping[str, str], client_secret: str) -> Outcome | None:
    """Why `params` can't be relied on: their shop, signature or time, in this order; or None."""
    # Host names ignore case.
    if not re.fullmatch(SHOP, params.get("shop", ""), re.IGNORECASE | re.ASCII):
        return not_a_shop()
    age_s = age(params)
    if not has_valid_signature(params, client_secret) or age_s is None:
        return not_signed()
    if age_s < -TOLERANCE_S:
        return outcomes.clock_wrong("Shopify", age_s, of_app=False)
    return too_old(age_s) if age_s > TOLERANCE_S else None


def has_valid_signature(params: Mapping[str, str], client_secret: str) -> bool:
    """HMAC-SHA256 of all parameters but `hmac` and `signature`, sorted, as `k=v&k=v`."""
    names = sorted(set(params) - {"hmac", "signature"})
    message = "&".join(f"{name}={params[name]}" for name in names).encode()
    made = hmac.new(client_secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), params.get("hmac", "").encode())


def age(params: Mapping[str, str]) -> float | None:
    """Seconds since the time stamp; negative for one in the future, None without one."""
    stamp = params.get("timestamp", "")
    if not re.fullmatch(TIMESTAMP, stamp):
        return None
    return clock.now().timestamp() - int(stamp)


def not_a_shop() -> Outcome:
    return outcomes.customer_must(
        "shop",
        "The answer from Shopify names no shop that ends in .myshopify.com.",
        "start again from their shop.",
        who="The merchant",
    )


def other_shop(came: str, wanted: str) -> Outcome:
    return outcomes.customer_must(
        "other_shop",
        f"The answer came from the shop {redact(came)[:80] or 'of no name'}, not from {wanted}.",
        "log in to the shop that was asked for and start again.",
        who="The merchant",
    )


def not_signed() -> Outcome:
    return outcomes.operator(
        "hmac",
        "This was not opened by Shopify for this app: it is not signed with our app's secret.",
        "Start again from Shopify; if that does not help, compare the OAuth app's secret with "
        "Shopify's.",
    )


def too_old(age_s: float) -> Outcome:
    """Signed by Shopify, but not just now: nobody's secret is wrong."""
    return outcomes.customer(
        "timestamp",
        f"The answer from Shopify is {round(age_s / 60, 1):g} minutes old, and only "
        f"{TOLERANCE_S} seconds are allowed.",
        "Start again. If a new one is too old as well, this server's clock is ahead.",
        "Start again; if it happens twice, tell whoever sent you the link.",
    )


def raise_for_fault(params: Mapping[str, str], context: OAuthContext) -> None:
    fault = find_fault(params, str(context.app["client_secret"]))
    if fault:
        raise Refused(fault)
