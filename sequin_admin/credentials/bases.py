"""The classes that kinds derive from, by the way in which an account is connected."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sequin_admin.core import clock
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import grant_ends, outcomes
from sequin_admin.credentials.credential import Credential
from sequin_admin.credentials.declarations import OAuth2, OAuthContext, TokenGrant
from sequin_admin.credentials.outcomes import Outcome, Refused


class KeyKind(Credential):
    """A key that somebody enters. It is the kind's first secret, and sent with each call."""

    lasting_words = "key, not renewed"
    lasting_sentence = "The key is sent with every call; there is nothing to renew."
    consent = (
        "Read what the key that you enter may read; rights to read are enough.",
        "Do no more than the key allows. You choose its rights where you make it.",
    )

    class Meta:
        proxy = True
        default_permissions = ()

    def static_token(self) -> str:
        return str(self.secrets[self.properties_class.secret_names()[0]])


class PasswordKind(Credential):
    """Secrets that somebody enters and that each call carries in a way of its own: a password in
    its body, or a signature. There is no token."""

    lasting_words = "login, no token"
    lasting_sentence = "Every call carries the login, or is signed with it; there is no token."
    consent = (
        "Read what the user that you enter may read; a user of its own with rights to read is "
        "best.",
        "Do no more than that user may do. You choose its rights.",
    )

    class Meta:
        proxy = True
        default_permissions = ()

    def call_headers(self, token: str) -> Secrets:
        return Secrets()


class ClientCredentialsKind(Credential):
    """Access tokens are made with the client's own secret: there is no refresh token."""

    consent = (
        "Read what the application that you register may read; rights to read are enough.",
        "Do no more than that application may do. You choose its rights.",
    )

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def mints_tokens(cls) -> bool:
        return True


class OAuthKind(Credential):
    """Connected by a login at the provider, which ends in a grant (RFC 6749 section 4.1)."""

    oauth: ClassVar[OAuth2]
    lasting_words = "does not expire"
    lasting_sentence = "The access token of the grant is sent with every call; it does not expire."
    consent = (
        "Read what you may read there, once you have logged in and allowed it.",
        "Do no more than you allow. The page at the provider names it before you agree.",
    )

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def client_is_ours(cls) -> bool:
        return cls.oauth.client == "app"

    @classmethod
    def has_form(cls) -> bool:
        return False

    def is_connected(self) -> bool:
        if self.mints_tokens():
            return self.identity is not None
        granted = {self.oauth.access_property, self.oauth.refresh_property} - {""}
        return not granted.isdisjoint(self.secret_names)

    def can_reconnect(self) -> bool:
        return {*self.properties, *self.secret_names}.issuperset(self.oauth.required_properties)

    def oauth_context(self) -> OAuthContext:
        """The context of a renewal. Raises `Refused` when the OAuth app is missing."""
        own = Secrets({**self.properties, **self.secrets})
        if self.client_is_ours():
            if self.oauth_app is None:
                raise Refused(outcomes.no_app(self.provider_title))
            return OAuthContext(self.oauth_app.client_id, self.oauth_app.url_params(), own)
        return OAuthContext(str(own.get("client_id", "")), {}, own)

    def access_ends_at(self) -> datetime | None:
        """As the provider said with a token. The end of the refresh token moves at each renewal."""
        ends = self.properties.get(grant_ends.OF_ACCESS)
        return clock.from_iso(ends) if ends else None

    def static_token(self) -> str:
        """The access token that a grant without a refresh token came with."""
        return str(self.secrets.get(self.oauth.access_property, ""))

    def exchange_token(self) -> TokenGrant:
        """Exchange an old-format token for a new one; the old one is invalid after that. Raises
        `Refused`."""
        raise Refused(self.cannot_renew())

    @classmethod
    def require_revoked(cls, response: Response, *accepted: int) -> None:
        """Raise `Refused` unless a revocation (RFC 7009) succeeded, or has an `accepted` status."""
        if not response.ok and response.status not in accepted:
            raise Refused(cls.classify_token_error(response))

    @classmethod
    def classify_callback_error(cls, params: Mapping[str, str]) -> Outcome:
        """The outcome of a callback with `error` instead of `code` (RFC 6749 section 4.1.2.1)."""
        return outcomes.callback_error(
            params.get("error", ""), cls.provider_title, client_is_ours=cls.client_is_ours()
        )

    @classmethod
    def flow_for(cls, app: Mapping[str, object]) -> OAuth2:
        """The flow for an OAuth app with these properties: some providers have two types of app."""
        return cls.oauth

    @classmethod
    def url_params(cls, context: OAuthContext) -> dict[str, Any]:
        """Values for the `{placeholders}` of the flow's URLs."""
        return context.url_params

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
        """Raise `Refused` for a callback with a wrong signature or of another account."""

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """Read the account's property values with a new grant. Raises `Refused`."""
        raise NotImplementedError(f"{cls.__name__} must say whose account it got.")


class AppInstallKind(OAuthKind):
    """Connected from the provider's side too: it opens our install URL when somebody installs our
    app there."""

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def check_install(cls, params: Mapping[str, str], context: OAuthContext) -> dict[str, Any]:
        """Verify the provider's install request; returns values of `oauth.required_properties`.

        Raises `Refused`.
        """
        raise NotImplementedError(f"{cls.__name__} is not installed from the provider's side.")
