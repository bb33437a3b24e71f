"""OAuth through Connect or a Stripe App, by the OAuth app's `app_type`.

Connect: https://docs.stripe.com/connect/oauth-reference
Stripe Apps: https://docs.stripe.com/stripe-apps/api-authentication/oauth
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from sequin_admin.core import http
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import (
    AppProperties,
    OAuth2,
    OAuthContext,
    OAuthKind,
    Properties,
    Property,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.outcomes import Outcome, Refused
from sequin_admin.providers.stripe.common import API, Stripe

CONNECT = "https://connect.stripe.com"
INSTALL_LINK = "https://marketplace.stripe.com/oauth/v2/authorize"
APPS_SCOPE = "stripe_apps"  # permissions are in the app's manifest, not in the scope
APPS_ACCESS_LIFE_S = 3600  # documented, but not in the response


class StripeAppProperties(AppProperties):
    """Which of the two flows an OAuth app has, and for a Stripe App its install link."""

    app_type: Literal["connect", "apps"] = Property(
        "App type",
        extension=True,
        help="connect: a Connect platform. apps: a Stripe App with permissions in its manifest. "
        "Tokens of the one can't be renewed as the other.",
        default="connect",
    )
    install_link: str | None = Property(
        "Install link",
        extension=True,
        help="Only for a Stripe App in external test: the authorize link of its mode, up to the "
        "question mark.",
        example="https://marketplace.stripe.com/oauth/v2/chnlink_abc/authorize",
        pattern=r"https://marketplace\.stripe\.com/oauth/v2/([^\s/?#]+/)?authorize",
        default=None,
    )


CONNECT_FLOW = OAuth2(
    authorize_url=f"{CONNECT}/oauth/authorize",
    token_url=f"{CONNECT}/oauth/token",
    rotates=False,
    scopes=("read_write",),
    scope_descriptions={
        "read_write": "Read and change everything in your Stripe account",
        "read_only": "Read everything in your Stripe account",
    },
    pkce=False,
    app=StripeAppProperties,
    refresh_property="secret",
    access_life_s=86_400,
)
APPS_FLOW = replace(
    CONNECT_FLOW,
    authorize_url="{install_link}",
    token_url=f"{API}/v1/oauth/token",
    rotates=True,
    scopes=(),
    client_auth="client_secret_as_user",
    access_life_s=APPS_ACCESS_LIFE_S,
)


class StripeOAuthProperties(Properties):
    """The connected account, its mode and scope."""

    kind: Literal["stripe_oauth2"]
    account_id: str | None = Property("Account ID", read_only=True, help="The connected account.")
    name: str = Property(
        "Account name",
        help="What the account is called at Stripe. The customer reads it where they are asked to "
        "connect the account again.",
        example="Arrakis [TEST]",
    )
    secret: Secret = Property("Refresh token", example="rt_...", pattern=r"rt_\w[\w-]*")
    test: bool = Property("Test mode", default=False)
    scope: str | None = Property(
        "Scope",
        extension=True,
        read_only=True,
        help="read_only or read_write; stripe_apps for a Stripe App.",
    )


@register
class StripeOAuth(Stripe, OAuthKind):
    """An account that is connected to a platform, or that has installed a Stripe App."""

    label = "Connect"
    properties_class = StripeOAuthProperties
    docs_url = "https://docs.stripe.com/connect/oauth-reference"
    oauth = CONNECT_FLOW
    guide = (
        "For Connect open Settings > Connect > Onboarding options > OAuth in Stripe, turn OAuth on "
        "and add the redirect URI shown here.",
        "For a Stripe App set stripe_api_access_type to oauth in its manifest, add the redirect "
        "URI to allowed_redirect_uris, list the permissions, and upload it.",
        "Copy the client ID (ca_...) of the mode you want, live or test, and choose the app type.",
        "As client secret use your account's secret key (sk_...) of the same mode.",
        "The scope is read_write or read_only for Connect; leave it empty for a Stripe App.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    @classmethod
    def key_refused(cls, code: str) -> Outcome:
        return outcomes.expired(code or "invalid_api_key", "Stripe refuses the access token.")

    @classmethod
    def flow_for(cls, app: Mapping[str, object]) -> OAuth2:
        return APPS_FLOW if app.get("app_type") == "apps" else CONNECT_FLOW

    @classmethod
    def url_params(cls, context: OAuthContext) -> dict[str, Any]:
        return {
            **context.url_params,
            "install_link": context.app.get("install_link") or INSTALL_LINK,
        }

    @classmethod
    def parse_grant(cls, data: Mapping[str, object]) -> TokenGrant:
        """Connect tokens are valid until they are revoked, those of Stripe Apps for an hour."""
        ends = {"expires_in": APPS_ACCESS_LIFE_S} if data.get("scope") == APPS_SCOPE else {}
        return super().parse_grant({**ends, **data})

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The account of the grant. Raises `Refused` for the other mode (live, test) or other
        scopes."""
        live = bool(grant.raw.get("livemode"))
        if live != ("_live_" in str(context.app.get("client_secret", ""))):
            raise Refused(wrong_mode(live))
        asked = " ".join(context.scopes or cls.flow_for(context.app).scopes) or APPS_SCOPE
        if grant.scope != asked:
            raise Refused(wrong_scope(grant.scope, asked))
        response = http.get(f"{API}/v1/account", bearer=grant.access_token)
        account = response.data() if response.ok else {}
        return {
            "account_id": grant.raw["stripe_user_id"],
            "name": display_name(account, live) or grant.raw["stripe_user_id"],
            "test": not live,
            **cls.properties_from_grant(grant),
        }

    @classmethod
    def properties_from_grant(cls, grant: TokenGrant) -> dict[str, Any]:
        return {"scope": grant.scope or None}

    def revoke(self, token: str) -> None:
        context = self.oauth_context()
        root = f"{API}/v1" if self.flow_for(context.app) is APPS_FLOW else CONNECT
        response = http.post(
            f"{root}/oauth/deauthorize",
            bearer=str(context.app["client_secret"]),
            form={"client_id": context.client_id, "stripe_user_id": self.properties["account_id"]},
        )
        self.require_revoked(response)


def wrong_mode(live: bool) -> Outcome:
    came, wanted = ("live", "test") if live else ("test", "live")
    return outcomes.operator(
        "wrong_mode",
        f"Stripe connected a {came} account, but the OAuth app has a {wanted} key.",
        "Use the client ID and the secret key of the same mode in the OAuth app.",
    )


def wrong_scope(granted: str, asked: str) -> Outcome:
    return outcomes.customer(
        "scope",
        f"Stripe granted {granted or 'no scope'}, but we asked for {asked}.",
        "Start again from our page; if it happens twice, check the OAuth app's type and scopes.",
        "Start again; if it happens twice, tell whoever sent you the link.",
    )


def display_name(account: dict[str, Any], live: bool) -> str:
    """The account's name as the specification writes it: `Arrakis [TEST]` in test mode."""
    dashboard = (account.get("settings") or {}).get("dashboard") or {}
    profile = account.get("business_profile") or {}
    name = dashboard.get("display_name") or profile.get("name") or account.get("email") or ""
    return f"{name}{'' if live else ' [TEST]'}" if name else ""
