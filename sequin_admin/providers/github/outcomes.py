"""What GitHub refuses, in sentences."""

from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome


def uninstalled() -> Outcome:
    return outcomes.customer_must(
        "uninstalled",
        "The GitHub App was uninstalled from this account.",
        "install it again.",
    )


def suspended() -> Outcome:
    return outcomes.customer_must(
        "suspended",
        "The GitHub App's installation in this account was suspended.",
        "unsuspend it in GitHub under Settings > Applications.",
    )


def not_proven() -> Outcome:
    return outcomes.customer(
        "not_proven",
        "GitHub does not confirm that this installation belongs to the person who came back.",
        "Start again and install the app from the page it leads to.",
    )


def is_throttled(response: Response, message: str) -> bool:
    spent = response.headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in response.headers or "secondary rate limit" in message
