"""What Shopify refuses, in sentences."""

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.outcomes import Outcome


def uninstalled() -> Outcome:
    return outcomes.customer_must(
        "token_refused",
        "Shopify no longer accepts our token: the app was uninstalled from the shop.",
        "connect the shop again.",
        who="The merchant",
    )


def not_exchanged() -> Outcome:
    return outcomes.customer_must(
        "invalid_subject_token",
        "Shopify does not exchange this token: it was revoked, or it was exchanged elsewhere.",
        "connect the shop again.",
        who="The merchant",
    )
