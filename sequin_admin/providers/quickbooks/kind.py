"""QuickBooks Online. OAuth: https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0

Limits: https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features
"""

import re
from datetime import datetime
from typing import Any

from sequin_admin.core import clock, http
from sequin_admin.core.http import Response
from sequin_admin.credentials import grant_ends, outcomes
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    OAuthKind,
    Rate,
    RateLimitSignals,
    TokenGrant,
    register,
)
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.providers.quickbooks.catalogue import CATALOGUE
from sequin_admin.providers.quickbooks.changes import CHANGES
from sequin_admin.providers.quickbooks.properties import REALM, QuickBooksProperties

HOSTS = {
    False: "https://quickbooks.api.intuit.com",
    True: "https://sandbox-quickbooks.api.intuit.com",
}
THROTTLE_S = 60


@register
class QuickBooks(OAuthKind):
    """An OAuth grant for one company, which is called a realm."""

    provider, provider_title, label = "quickbooks", "QuickBooks", "OAuth"
    properties_class = QuickBooksProperties
    destination_properties = ("sandbox",)
    identity_properties = ("realm_id", "sandbox")
    known_by = ("company_name", "realm_id")
    rate = Rate(allowed_requests=8, interval=1000, max_concurrent_requests=8)
    rate_source = "https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features"
    rate_limit_signals = RateLimitSignals(pause_s=60)
    docs_url = "https://developer.intuit.com/app/developer/qbo/docs/develop"
    oauth = OAuth2(
        authorize_url="https://appcenter.intuit.com/connect/oauth2",
        token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",  # noqa: S106
        rotates=True,
        scopes=("com.intuit.quickbooks.accounting",),
        scope_descriptions={
            "com.intuit.quickbooks.accounting": "Read and change your company's accounting data",
            "com.intuit.quickbooks.payment": "Process payments",
        },
        client_auth="client_secret_basic",
        pkce=False,
        # Only then does the answer tell the five-year end.
        token_headers={"x-include-refresh-token-hard-expires-in": "true"},
        required_properties=("sandbox",),
        grace_s=86_400,
    )
    guide = (
        "In Intuit's developer portal open your app > Keys & credentials.",
        "Choose Development for sandbox companies, Production for real ones.",
        "Give the app the scope com.intuit.quickbooks.accounting.",
        "Under Settings > Redirect URIs add the redirect URI shown here, for the same environment.",
        "Copy client ID and client secret of that environment; tick sandbox when you connect a "
        "sandbox company.",
    )
    catalogue = CATALOGUE
    changes = CHANGES

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        response = get_company(self.base_url(), self.properties["realm_id"], token)
        return self.discover(response, lambda company: {"company_name": name_of(company)})

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """By the code of the fault, whose JSON keys come in both cases."""
        code = fault_code(response)
        if code == "3200":
            return outcomes.expired(code, "QuickBooks refuses the access token.")
        if code == "3100":
            return outcomes.customer_must(
                code,
                "QuickBooks says this company is not connected to our app any more.",
                "connect the company again.",
            )
        if code in {"120", "5020"}:
            return outcomes.customer_must(
                code,
                "QuickBooks says the person who connected lost their rights in the company.",
                "restore them, or another admin must connect again.",
            )
        if code == "6190":
            return outcomes.customer_must(
                code,
                "QuickBooks says the company's subscription has ended.",
                "renew it at QuickBooks.",
            )
        if response.status == 429 or code == "3001":
            message = "QuickBooks asks us to slow down."
            return outcomes.transient("throttled", message, retry_after_s=THROTTLE_S)
        return super().classify(response)

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The callback's realm id is not signed: it is verified by reading that company."""
        realm, sandbox = context.callback.get("realmId", ""), bool(context.inputs.get("sandbox"))
        if not re.fullmatch(REALM, realm):
            raise Refused(not_proven())
        response = get_company(HOSTS[sandbox], realm, grant.access_token)
        outcome = cls.classify(response)
        if not outcome.ok:
            refused = outcome.verdict in (outcomes.Verdict.CUSTOMER, outcomes.Verdict.REFRESH)
            raise Refused(not_proven().with_evidence(response) if refused else outcome)
        return {
            "realm_id": realm,
            "sandbox": sandbox,
            "scope": " ".join(context.scopes or cls.oauth.scopes),
            "company_name": name_of(response),
        }

    def access_ends_at(self) -> datetime | None:
        """Each refresh extends the refresh token's lifetime, up to five years in total."""
        ends = [self.properties[n] for n in grant_ends.NAMES if self.properties.get(n)]
        return min(map(clock.from_iso, ends), default=None)

    def revoke(self, token: str) -> None:
        context = self.oauth_context()
        response = http.post(
            "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
            basic=(context.client_id, str(context.app["client_secret"])),
            json={"token": self.secrets["refresh_token"]},
        )
        self.require_revoked(response)

    def base_url(self) -> str:
        return HOSTS[bool(self.properties.get("sandbox"))]


def get_company(host: str, realm: str, token: str) -> Response:
    url = f"{host}/v3/company/{realm}/companyinfo/{realm}"
    return http.get(url, bearer=token, params={"minorversion": "75"})


def name_of(response: Response) -> Any:
    return response.data()["CompanyInfo"]["CompanyName"]


def fault_code(response: Response) -> str:
    known = response.dig("Fault", "Error", 0, "code") or response.dig("fault", "error", 0, "code")
    return str(known or "")


def not_proven() -> Outcome:
    return outcomes.customer(
        "not_proven",
        "QuickBooks does not confirm that the access belongs to the company that came back.",
        "Start again and choose the company; check that sandbox is ticked only for a sandbox.",
    )
