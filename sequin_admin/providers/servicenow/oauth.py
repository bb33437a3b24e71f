"""OAuth with a refresh token, as the user who logged in."""

from datetime import datetime, timedelta
from typing import Any, Literal

from sequin_admin.core import clock, http
from sequin_admin.core.fields import Secrets
from sequin_admin.credentials.kinds import (
    OAuth2,
    OAuthContext,
    OAuthKind,
    Property,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.normalizers import instant
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.providers.servicenow.common import ServiceNow, ServiceNowClient, user_of, whoami

# The default of an instance's OAuth record, which the guide asks for at least.
REFRESH_LIFE = timedelta(days=100)


class ServiceNowOAuthProperties(ServiceNowClient):
    """The client of an instance, the refresh token with its end, and the user who logged in."""

    kind: Literal["servicenow_oauth2"]
    refresh_token: Secret = Property("Refresh token", extension=True)
    scope: str | None = Property("Scope", extension=True, read_only=True)
    user_name: str | None = Property("User", extension=True, read_only=True)
    user_sys_id: str | None = Property("User's sys_id", extension=True, read_only=True)
    refresh_token_expires_at: datetime | None = Property(
        "Refresh token expires",
        extension=True,
        read_only=True,
        normalizer=instant,
        help="100 days after the login, or after the import of a refresh token at the latest, as "
        "ServiceNow does not say when.",
    )


@register
class ServiceNowOAuth(ServiceNow, OAuthKind):
    """An OAuth grant of a user through a client of their instance."""

    label = "OAuth"
    properties_class = ServiceNowOAuthProperties
    oauth = OAuth2(
        authorize_url="{instance_url}/oauth_auth.do",
        token_url="{instance_url}/oauth_token.do",  # noqa: S106 - an address
        rotates=False,
        client="credential",
        pkce=False,
        required_properties=("instance_url", "client_id", "client_secret"),
        access_life_s=1800,
    )
    guide = (
        "In the ServiceNow instance open System OAuth > Application Registry.",
        "Create an OAuth API endpoint for external clients with the redirect URI shown here.",
        "Leave its scope at useraccount, and its refresh token's life at 100 days or more.",
        "Copy its client ID and client secret.",
        "Connect as a user whose roles may read the tables you sync.",
    )

    class Meta:
        proxy = True
        app_label = "providers"

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The user of the grant. Raises `Refused`, but not for a user who may not read their own
        row."""
        response = whoami(str(context.inputs["instance_url"]), grant.access_token)
        outcome = cls.classify(response)
        if outcome.verdict is not Verdict.OK and response.status != 403:
            raise Refused(outcome)
        return {
            **user_of(response),
            "scope": grant.scope or "useraccount",
            **cls.properties_of_entered(clock.now()),
        }

    @classmethod
    def properties_of_entered(cls, at: datetime) -> dict[str, Any]:
        """A token that was issued before it was entered ends sooner: this is its latest end."""
        ends = at + REFRESH_LIFE
        return {"refresh_token_expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def access_ends_at(self) -> datetime | None:
        """Renewing returns the same refresh token, whose life goes on from the login."""
        ends = self.properties.get("refresh_token_expires_at")
        # Older imports stored none.
        known = clock.from_iso(ends) if ends else self.secrets_changed_at + REFRESH_LIFE
        return min(known, super().access_ends_at() or known)

    def revoke(self, token: str) -> None:
        """Revoke the refresh token. Raises `Refused`."""
        form = Secrets(token=self.secrets["refresh_token"])
        response = http.post(f"{self.base_url()}/oauth_revoke_token.do", form=form)
        if not response.ok:
            raise Refused(self.classify(response))
