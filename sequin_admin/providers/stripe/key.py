"""A secret or restricted key: https://docs.stripe.com/keys"""

from typing import Any, Literal

from pydantic import ConfigDict, model_validator

from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import KeyKind, Properties, Property, Secret, register
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.providers.stripe.common import Stripe

# JSON Schema: `test` must match the mode that the key's prefix names.
OF_TEST = {"properties": {"secret": {"pattern": "_test_"}}}
MODE: dict[str, Any] = {
    "if": {**OF_TEST, "required": ["test"]},
    "then": {"properties": {"test": {"const": True}}},
    "else": {"if": {"required": ["test"]}, "then": {"properties": {"test": {"const": False}}}},
}


class StripeKeyProperties(Properties):
    """A key of an account; its prefix says whether it is of the test mode."""

    model_config = ConfigDict(json_schema_extra=MODE)

    kind: Literal["stripe_key"]
    account_id: str | None = Property("Account ID", read_only=True, help="Read from the account.")
    name: str = Property(
        "Account name",
        help="What the account is called at Stripe. The customer reads it where they are asked to "
        "connect the account again.",
        example="Arrakis [TEST]",
    )
    secret: Secret = Property(
        "Secret key",
        help="A secret or restricted key from Developers > API keys.",
        example="sk_live_...",
        pattern=r"(sk|rk)_(live|test)_\w+",
    )
    test: bool = Property("Test mode", help="Whether the key opens a sandbox.", default=False)

    @model_validator(mode="before")
    @classmethod
    def read_mode(cls, values: object) -> object:
        """Set `test` from the key's prefix when it is missing."""
        if isinstance(values, dict) and "test" not in values:
            return {**values, "test": "_test_" in str(values.get("secret", ""))}
        return values

    def contradictions(self) -> dict[str, str]:
        """`test` must match the mode that the key's prefix names."""
        of_test = "_test_" in self.secret.get_secret_value()
        if of_test == self.test:
            return {}
        if of_test:
            return {"test": "This is a test key. Tick the test mode."}
        return {"test": "This is a live key. Clear the test mode."}


@register
class StripeKey(Stripe, KeyKind):
    """A secret or restricted key of an account, sent as a bearer token."""

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

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """A 403 for its own account means a restricted key, which works."""
        message = str(response.dig("error", "message") or "")
        if response.status == 403 and "does not have the required permissions" in message:
            return outcomes.works().with_evidence(response)
        return super().classify(response)
