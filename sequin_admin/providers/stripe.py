"""Stripe. Keys: https://docs.stripe.com/keys  Connect: https://docs.stripe.com/connect/oauth-reference

Limits: https://docs.stripe.com/rate-limits
"""

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from sequin_admin.core import http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    Grant,
    OAuth2,
    Properties,
    Property,
    Rate,
    Secret,
    Trip,
    register,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused

API = "https://api.stripe.com"
CONNECT = "https://connect.stripe.com"
RATE = Rate(allowed_requests=20, interval=1000, max_concurrent_requests=10)


class StripeKeyProperties(Properties):
    kind: Literal["stripe_key"]
    account_id: str | None = Property("Account ID", filled=True, help="Read from the account.")
    name: str = Property("Account name", help="How you call the account.", example="Arrakis [TEST]")
    secret: Secret = Property(
        "Secret key",
        help="A secret or restricted key from Developers > API keys.",
        example="sk_live_...",
        pattern=r"(sk|rk)_(live|test)_\w+",
    )
    test: bool = Property("Test mode", help="Whether the key opens a sandbox.", default=False)

    @model_validator(mode="before")
    @classmethod
    def read_mode(cls, values: Any) -> Any:
        """Where nobody says which mode it is, the key does."""
        if isinstance(values, dict) and "test" not in values:
            return {**values, "test": "_test_" in str(values.get("secret", ""))}
        return values

    def contradictions(self) -> dict[str, str]:
        """A key says itself which mode it is for."""
        of_test = "_test_" in self.secret.get_secret_value()
        if of_test == self.test:
            return {}
        mode, cure = ("test", "Tick") if of_test else ("live", "Clear")
        return {"test": f"This is a {mode} key. {cure} the test mode."}


class StripeOAuthProperties(Properties):
    kind: Literal["stripe_oauth2"]
    account_id: str | None = Property("Account ID", filled=True, help="The connected account.")
    name: str = Property("Account name", example="Arrakis [TEST]")
    secret: Secret = Property("Refresh token", example="rt_...", pattern=r"rt_\w[\w-]*")
    test: bool = Property("Test mode", default=False)
    scope: str | None = Property("Scope", ours=True, filled=True, help="read_only or read_write.")


class Stripe(Credential):
    """What both kinds of Stripe credential share."""

    provider, provider_title = "stripe", "Stripe"
    identity_properties = ("account_id", "test")
    known_by = ("name", "account_id")
    rate = RATE
    rate_source = "https://docs.stripe.com/rate-limits"

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        response = http.get(f"{API}/v1/account", bearer=token)
        outcome = self.classify(response)
        if not outcome.ok:
            return outcome
        account = response.data()
        return outcomes.works(account_id=account["id"]) if "id" in account else outcome

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """Stripe's API errors: https://docs.stripe.com/error-handling"""
        error = response.data().get("error")
        error = error if isinstance(error, dict) else {}
        code = str(error.get("code", ""))
        if code == "platform_api_key_expired":
            return outcomes.client_refused(code, "Stripe", client_is_ours=True).seen(response)
        if response.status == 401:
            return cls.key_refused(code).seen(response)
        if response.status == 403 and code == "account_invalid":
            return outcomes.customer(
                code,
                "Stripe no longer lets us into this account: our access was revoked.",
                "The customer must connect the account again.",
            ).seen(response)
        if response.status == 403:
            return cls.no_right().seen(response)
        if response.status == 409 or code == "lock_timeout":
            return outcomes.transient("busy", "Stripe was busy with the same object.").seen(
                response
            )
        return outcomes.by_status(response, "Stripe")

    @classmethod
    def no_right(cls) -> Outcome:
        return outcomes.customer(
            "permission",
            "Stripe says this access lacks a permission that the sync needs.",
            "The customer must grant it, or connect again with a key of the right mode.",
        )

    @classmethod
    def key_refused(cls, code: str) -> Outcome:
        expired = code == "api_key_expired"
        return outcomes.customer(
            code or "invalid_api_key",
            f"Stripe says this key {'has expired' if expired else 'does not exist or was rolled'}.",
            "The customer must create a new key at Stripe and enter it here.",
        )

    def base_url(self) -> str:
        return API


@register
class StripeKey(Stripe):
    label = "API key"
    properties_class = StripeKeyProperties
    docs_url = "https://docs.stripe.com/keys"
    guide = (
        "In Stripe open Developers > API keys.",
        "Create a restricted key with read access to the objects you sync, or copy the secret key.",
        "Tick Test mode for a key that contains _test_.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def static_token(self) -> str:
        return str(self.secrets["secret"])

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """A restricted key may not read its own account; it works all the same."""
        message = str((response.data().get("error") or {}).get("message", ""))
        if response.status == 403 and "does not have the required permissions" in message:
            return outcomes.works().seen(response)
        return super().classify(response)


@register
class StripeOAuth(Stripe):
    label = "Connect"
    properties_class = StripeOAuthProperties
    docs_url = "https://docs.stripe.com/connect/oauth-reference"
    oauth: ClassVar[OAuth2] = OAuth2(
        authorize_url=f"{CONNECT}/oauth/authorize",
        token_url=f"{CONNECT}/oauth/token",
        scopes=("read_write",),
        scope_words={
            "read_write": "Read and change everything in your Stripe account",
            "read_only": "Read everything in your Stripe account",
        },
        pkce=False,
        refresh_property="secret",
        access_life_s=86_400,
    )
    guide = (
        "In Stripe open Settings > Connect > Onboarding options > OAuth and turn OAuth on.",
        "Add the redirect URI shown here.",
        "Copy the client ID (ca_...) of the mode you want, live or test.",
        "As client secret use the platform's secret key of the same mode.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    @classmethod
    def key_refused(cls, code: str) -> Outcome:
        return outcomes.expired(code or "invalid_api_key", "Stripe refuses the access token.")

    @classmethod
    def identify(cls, grant: Grant, trip: Trip) -> dict[str, Any]:
        live = bool(grant.raw.get("livemode"))
        if live != ("_live_" in str(trip.app.get("client_secret", ""))):
            raise Refused(wrong_mode(live))
        response = http.get(f"{API}/v1/account", bearer=grant.access_token)
        account = response.data() if response.ok else {}
        return {
            "account_id": grant.raw["stripe_user_id"],
            "name": display_name(account, live) or grant.raw["stripe_user_id"],
            "test": not live,
            "scope": grant.scope or None,
        }

    def revoke(self, token: str) -> None:
        trip = self.trip()
        response = http.post(
            f"{CONNECT}/oauth/deauthorize",
            bearer=str(trip.app["client_secret"]),
            form={"client_id": trip.client_id, "stripe_user_id": self.properties["account_id"]},
        )
        if not response.ok:
            raise Refused(self.classify_token_error(response))


def wrong_mode(live: bool) -> Outcome:
    came, wanted = ("live", "test") if live else ("test", "live")
    return outcomes.operator(
        "wrong_mode",
        f"Stripe connected a {came} account, but the OAuth app has a {wanted} key.",
        "Use the client ID and the secret key of the same mode in the OAuth app.",
    )


def display_name(account: dict[str, Any], live: bool) -> str:
    """The account's name as the specification writes it: `Arrakis [TEST]` in test mode."""
    dashboard = (account.get("settings") or {}).get("dashboard") or {}
    profile = account.get("business_profile") or {}
    name = dashboard.get("display_name") or profile.get("name") or account.get("email") or ""
    return f"{name}{'' if live else ' [TEST]'}" if name else ""
