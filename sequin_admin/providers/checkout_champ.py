"""CheckoutChamp (formerly Konnektive). API: https://apidocs.checkoutchamp.com

Every response has HTTP 200; `result` tells success from error. No limit is published.
"""

import re
from typing import Literal

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
    PasswordKind,
    Properties,
    Property,
    Rate,
    Secret,
    register,
)
from sequin_admin.credentials.outcomes import Outcome

API = "https://api.checkoutchamp.com"
REFUSAL = re.compile(r"login|password|credential|authoriz|permission|whitelist|ip address", re.I)
EMPTY = re.compile(r"^No .*(found|matching)", re.I)


class CheckoutChampProperties(Properties):
    kind: Literal["checkout_champ_password"]
    login_id: str = Property("Login ID", help="Of an API user.", example="user123")
    password: Secret = Property("Password", help="The API user's password.", password=True)


@register
class CheckoutChamp(PasswordKind):
    provider, provider_title, label = "checkout_champ", "CheckoutChamp", "password"
    properties_class = CheckoutChampProperties
    identity_properties = ("login_id",)
    rate = Rate(allowed_requests=60, interval=60_000, max_concurrent_requests=2)
    docs_url = "https://apidocs.checkoutchamp.com"
    guide = (
        "In CheckoutChamp open Admin > Users and create a user with API access only.",
        "If the account restricts API users by address, add the address we call from.",
        "Enter the login ID and password of that user.",
    )

    catalogue = (
        collection_schema(
            "order",
            "orderId! customerId orderStatus orderType totalAmount:number dateCreated:datetime "
            "dateUpdated:datetime",
        ),
        collection_schema(
            "customer",
            "customerId! firstName lastName emailAddress phoneNumber dateCreated:datetime "
            "dateUpdated:datetime",
        ),
        collection_schema(
            "purchase",
            "purchaseId! orderId productId status price:number dateCreated:datetime",
        ),
        collection_schema(
            "transaction",
            "transactionId! orderId txnType responseType totalAmount:number dateCreated:datetime",
        ),
        collection_schema("campaign", "campaignId! campaignName campaignType"),
    )

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        """A POST, as URLs with the password would end up in logs."""
        form = Secrets({**self.call_fields(), "resultsPerPage": "1"})
        response = http.post(f"{API}/campaign/query/", form=form)
        return self.classify(response)

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By the text of the message: refusals first, as they may resemble an empty result."""
        if response.status in (401, 403):
            return login_refused()
        fault = outcomes.outage(response, "CheckoutChamp")
        if fault:
            return fault
        answer = response.data()
        message = str(answer.get("message", ""))
        if answer.get("result") == "SUCCESS":
            return outcomes.works()
        if REFUSAL.search(message):
            return login_refused()
        if EMPTY.match(message):
            return outcomes.works()
        text = "CheckoutChamp answered with an error that is not about the login."
        return outcomes.transient("error", text)

    def call_fields(self) -> Secrets:
        return Secrets(
            {"loginId": self.properties["login_id"], "password": self.secrets["password"]}
        )

    def base_url(self) -> str:
        return API


def login_refused() -> Outcome:
    return outcomes.customer_must(
        "login_refused",
        "CheckoutChamp refuses this login: wrong, locked, or not allowed from our address.",
        "check the API user at CheckoutChamp and enter its password again.",
    )
