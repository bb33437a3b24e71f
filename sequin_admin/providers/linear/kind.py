"""Linear. OAuth: https://linear.app/developers/oauth-2-0-authentication

Limits: https://linear.app/developers/rate-limiting
"""

from collections.abc import Mapping
from typing import Any

from sequin_admin.core import http
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    OAuthKind,
    Plan,
    Rate,
    RateLimitSignals,
    TokenGrant,
    register,
)
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.providers.linear.catalogue import CATALOGUE
from sequin_admin.providers.linear.changes import CHANGES
from sequin_admin.providers.linear.properties import LinearProperties

API = "https://api.linear.app"
WHOAMI = "{ viewer { id name email } organization { id name urlKey } }"


@register
class Linear(OAuthKind):
    """An OAuth grant for a workspace, with or without a refresh token."""

    provider, provider_title, label = "linear", "Linear", "OAuth"
    properties_class = LinearProperties
    identity_properties = ("linear_org_id",)
    known_by = ("linear_org_name", "linear_org_id")
    rate = Rate(allowed_requests=80, interval=60_000, max_concurrent_requests=5)
    rate_source = "https://linear.app/developers/rate-limiting"
    plans = (
        Plan(
            "OAuth app", Rate(allowed_requests=5000, interval=3_600_000, max_concurrent_requests=5)
        ),
    )
    rate_limit_signals = RateLimitSignals(
        throttled=((429, ""), (400, "RATELIMITED")),
        remaining="x-ratelimit-requests-remaining",
        reset="x-ratelimit-requests-reset",
        reset_unit="epoch_ms",
    )
    docs_url = "https://linear.app/developers/oauth-2-0-authentication"
    oauth = OAuth2(
        authorize_url="https://linear.app/oauth/authorize",
        token_url=f"{API}/oauth/token",
        rotates=True,
        scopes=("read",),
        scope_descriptions={
            "read": "Read issues, projects and comments of your workspace",
            "write": "Change issues, projects and comments",
            "issues:create": "Create issues",
            "comments:create": "Write comments",
            "admin": "Administer your workspace",
        },
        scope_separator=",",
        authorize_params={"prompt": "consent", "actor": "user"},
        access_property="access_token",
        access_life_s=86_399,
        grace_s=1800,
    )
    guide = (
        "As an admin in Linear open Settings > API > OAuth applications and create one.",
        "Add the redirect URI shown here to its callback URLs.",
        "Leave Public off to connect your own workspace only, turn it on for customers' ones.",
        "Copy client ID and client secret.",
        "Linear asks for scopes when somebody connects: read is enough to sync, write to change.",
    )
    catalogue = CATALOGUE
    changes = CHANGES

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token: str) -> Outcome:
        return self.discover(
            query_viewer(token), lambda viewer: {"linear_org_name": organization_of(viewer)["name"]}
        )

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """GraphQL errors have status 400 or even 200: the `errors` array decides."""
        failed = response.dig("errors")
        code = str(response.dig("errors", 0, "extensions", "code") or "")
        type_ = str(response.dig("errors", 0, "extensions", "type") or "")
        if code == "RATELIMITED" or type_ == "ratelimited":
            return outcomes.transient("throttled", "Linear asks us to slow down.")
        if response.status == 401 or "AUTHENTICATION" in code or "authentication" in type_:
            return outcomes.expired(code or "unauthorized", "Linear refuses the access token.")
        if type_ in {"forbidden", "feature not accessible"}:
            return outcomes.customer_must(
                type_.replace(" ", "_"),
                "Linear says the person who connected may not read this any more.",
                "restore the right, or another person must connect again.",
            )
        if type_ in {"internal error", "lock timeout", "network error"}:
            return outcomes.transient("unavailable", "Linear has a problem of its own.")
        if response.ok and failed:
            return outcomes.unclassified(response, "Linear")
        return super().classify(response)

    @classmethod
    def parse_grant(cls, data: Mapping[str, object]) -> TokenGrant:
        """Apps from before December 2023 get their scopes as an array."""
        scope = data.get("scope")
        joined = " ".join(map(str, scope)) if isinstance(scope, list) else scope
        return super().parse_grant({**data, "scope": joined})

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        organization = organization_of(cls.require_ok(query_viewer(grant.access_token)))
        return {
            "linear_org_id": organization["id"],
            "linear_org_name": organization["name"],
            **cls.properties_from_grant(grant),
        }

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        scope = grant.scope.replace(",", " ")
        return {"scope": scope or None, "expires_in_s": grant.expires_in_s}

    def revoke(self, token: str) -> None:
        """Revokes the refresh token if there is one, as it outlives the access token."""
        renewing = "refresh_token" in self.secret_names
        name = "refresh_token" if renewing else "access_token"
        form = Secrets(token=self.secrets[name], token_type_hint=name)
        response = http.post(f"{API}/oauth/revoke", form=form)
        if response.status not in (200, 400):  # 400: it was revoked already
            raise Refused(self.classify(response))

    def base_url(self) -> str:
        return API


def query_viewer(token: str) -> Response:
    return http.post(f"{API}/graphql", bearer=token, json={"query": WHOAMI})


def organization_of(response: Response) -> dict[str, Any]:
    organization: dict[str, Any] = response.data()["data"]["organization"]
    return organization
