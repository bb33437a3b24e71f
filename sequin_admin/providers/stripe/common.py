"""What both Stripe kinds share: the API, its errors, the default rate.

Limits: https://docs.stripe.com/rate-limits
"""

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import Plan, Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.stripe.catalogue import CATALOGUE

API = "https://api.stripe.com"
RATE = Rate(allowed_requests=20, interval=1000, max_concurrent_requests=10)


class Stripe(Credential):
    """What both kinds of Stripe credential share."""

    provider, provider_title = "stripe", "Stripe"
    identity_properties = ("account_id", "test")
    known_by = ("name", "account_id")
    rate = RATE
    rate_source = "https://docs.stripe.com/rate-limits"
    plans = (
        Plan("Live mode", Rate(allowed_requests=100, interval=1000, max_concurrent_requests=0)),
        Plan("Sandbox", Rate(allowed_requests=25, interval=1000, max_concurrent_requests=0)),
    )
    catalogue = CATALOGUE

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        response = http.get(f"{API}/v1/account", bearer=token)
        outcome = self.classify(response)
        # A restricted key works, too, although it may not read its own account.
        readable = outcome.ok and response.ok
        return outcomes.works(account_id=response.data()["id"]) if readable else outcome

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """Stripe's API errors: https://docs.stripe.com/error-handling"""
        error = response.data().get("error")
        error = error if isinstance(error, dict) else {}
        code = str(error.get("code", ""))
        if code == "platform_api_key_expired":
            return outcomes.client_refused(code, "Stripe", client_is_ours=True)
        if response.status == 401:
            return cls.key_refused(code)
        if response.status == 403 and code == "account_invalid":
            return outcomes.customer_must(
                code,
                "Stripe no longer lets us into this account: our access was revoked.",
                "connect the account again.",
            )
        if response.status == 403:
            return cls.no_right()
        if response.status == 409 or code == "lock_timeout":
            return outcomes.transient("busy", "Stripe was busy with the same object.")
        return super().classify(response)

    @classmethod
    def no_right(cls) -> Outcome:
        return outcomes.customer_must(
            "permission",
            "Stripe says this access lacks a permission that the sync needs.",
            "grant it, or connect again with a key of the right mode.",
        )

    @classmethod
    def key_refused(cls, code: str) -> Outcome:
        if code == "api_key_expired":
            message = "Stripe says this key has expired."
        else:
            message = "Stripe says this key does not exist or was rolled."
        return outcomes.customer_must(
            code or "invalid_api_key",
            message,
            "create a new key at Stripe and enter it here.",
        )

    def base_url(self) -> str:
        return API
