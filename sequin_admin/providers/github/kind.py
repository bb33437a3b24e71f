"""GitHub Apps: https://docs.github.com/en/apps  Limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""

import re
from dataclasses import replace
from typing import Any

from sequin_admin.core import http
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
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.credentials.pages import PagedReader
from sequin_admin.providers.github.app import API, HEADERS, app_not_accepted, call_as_app
from sequin_admin.providers.github.catalogue import CATALOGUE
from sequin_admin.providers.github.changes import CHANGES
from sequin_admin.providers.github.installations import (
    PAGE_ROWS,
    account_of,
    number_of_next_page,
    seconds_until,
)
from sequin_admin.providers.github.outcomes import is_throttled, not_proven, suspended, uninstalled
from sequin_admin.providers.github.properties import GitHubAppProperties, GitHubProperties
from sequin_admin.tokens import protocol

# An id as in the callback, at most 2^63-1 by its length.
INSTALLATION = r"[1-9][0-9]{0,17}"


@register
class GitHub(OAuthKind):
    """An installation of a GitHub App in an organization, enterprise or user account."""

    provider, provider_title, label = "github", "GitHub", "App"
    properties_class = GitHubProperties
    identity_properties = ("installation_id",)
    known_by = ("account_login", "installation_id")
    rate = Rate(allowed_requests=80, interval=60_000, max_concurrent_requests=10)
    rate_source = "https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"
    plans = (
        Plan(
            "Installation",
            Rate(allowed_requests=5000, interval=3_600_000, max_concurrent_requests=100),
        ),
        Plan(
            "Enterprise Cloud organization",
            Rate(allowed_requests=15_000, interval=3_600_000, max_concurrent_requests=100),
        ),
    )
    rate_limit_signals = RateLimitSignals(
        throttled=((429, ""), (403, "rate limit")),
        remaining="x-ratelimit-remaining",
        reset="x-ratelimit-reset",
    )
    docs_url = "https://docs.github.com/en/apps/creating-github-apps"
    oauth = OAuth2(
        authorize_url="https://github.com/apps/{slug}/installations/new",
        token_url="https://github.com/login/oauth/access_token",  # noqa: S106 - an address
        rotates=False,
        pkce=False,
        app=GitHubAppProperties,
        refresh_property="",
    )
    consent = (
        "Work with the repositories that you choose when you install the app: some, or all.",
        "Do what GitHub lists under permissions before you press Install, and no more.",
    )
    guide = (
        "In GitHub open Settings > Developer settings > GitHub Apps and create or edit an app.",
        "As callback URL enter the redirect URI shown here.",
        "Tick 'Request user authorization (OAuth) during installation': it proves who came.",
        "Grant the repository permissions you want to sync with, and save.",
        "Copy App ID, client ID and the slug; generate a client secret and a private key.",
    )
    catalogue = CATALOGUE
    changes = CHANGES

    class Meta:
        proxy = True
        app_label = "providers"

    @classmethod
    def mints_tokens(cls) -> bool:
        """With the app's private key, for the installation that the login proved."""
        return True

    def probe(self, token: str) -> Outcome:
        installation = self.properties["installation_id"]
        response = call_as_app(self.oauth_context(), "GET", f"/app/installations/{installation}")
        outcome = self.classify_installation(response, self.oauth_context())
        known = response.data()
        if not outcome.ok:
            return outcome
        if known.get("suspended_at"):
            return replace(suspended().with_evidence(response), proves_app=True)
        return replace(outcomes.works(**account_of(known)), proves_app=True)

    def mint(self) -> TokenGrant:
        """An installation access token: valid for an hour, replaced instead of refreshed."""
        context, installation = self.oauth_context(), self.properties["installation_id"]
        path = f"/app/installations/{installation}/access_tokens"
        response = call_as_app(context, "POST", path)
        known = response.data()
        if response.status != 201:
            raise Refused(self.classify_installation(response, context))
        members = {
            "access_token": known.get("token"),
            "expires_in": seconds_until(known.get("expires_at")),
        }
        return protocol.read_grant(type(self), response, members)

    @classmethod
    def classify_installation(cls, response: Response, context: OAuthContext) -> Outcome:
        """The outcome of a call that the app signed: only a signature of it is refused with 401.

        A 404 means uninstalled, provided that GitHub accepts the app itself.
        """
        if response.status == 404:
            app = call_as_app(context, "GET", "/app")
            if app.status in (401, 404):
                return app_not_accepted(app)
            outcome = uninstalled().with_evidence(response) if app.ok else cls.classify(app)
        elif response.status == 401:
            return app_not_accepted(response)
        else:
            outcome = cls.classify(response)
        return replace(outcome, proves_app=outcome.verdict in (Verdict.OK, Verdict.CUSTOMER))

    @classmethod
    def classify(cls, response: Response) -> Outcome:
        """GitHub's API errors for calls with an installation token."""
        message = str(response.data().get("message", ""))
        if response.status == 401:
            return outcomes.expired("bad_credentials", "GitHub refuses the access token.")
        if response.status in (403, 429) and is_throttled(response, message):
            wait = outcomes.retry_after(response) or outcomes.until_reset(response)
            text = "GitHub asks us to slow down."
            return outcomes.transient("throttled", text, retry_after_s=wait)
        if response.status == 403 and "suspended" in message:
            return suspended()
        if response.status == 403:
            return outcomes.customer_must(
                "permission",
                "GitHub says the app lacks a permission in this account.",
                "accept the app's permissions at GitHub.",
            )
        return super().classify(response)

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        """The user code exchange, whose errors have status 200."""
        error = str(response.data().get("error", ""))
        if error == "bad_verification_code":
            return outcomes.customer(
                error,
                "GitHub says the code of this installation was already used or is too old.",
                "Start again and install the app once more.",
            )
        if error in {"incorrect_client_credentials", "redirect_uri_mismatch"}:
            return outcomes.client_refused(error, "GitHub", client_is_ours=True)
        return super().classify_token_error(response)

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
        """Raises `Refused` while an owner has to approve, or without proof of who installed the
        app."""
        if context.callback.get("setup_action") == "request":
            raise Refused(
                outcomes.customer(
                    "approval_pending",
                    "An owner of the GitHub organization must approve the installation first.",
                    "Start again once they have approved it.",
                )
            )
        named = re.fullmatch(INSTALLATION, context.callback.get("installation_id", ""))
        if not named or "code" not in context.callback:
            raise Refused(not_proven())

    @classmethod
    def identify(cls, grant: TokenGrant, context: OAuthContext) -> dict[str, Any]:
        """The installation, checked against the user's own: the id in the URL can be forged."""
        number = int(context.callback["installation_id"])

        def read(page: str) -> Response:
            params = {"per_page": PAGE_ROWS, "page": page or "1"}
            url = f"{API}/user/installations"
            return cls.require_ok(
                http.get(url, bearer=grant.access_token, headers=HEADERS, params=params)
            )

        for page in PagedReader("GitHub").pages(read, number_of_next_page):
            for installation in page.data()["installations"]:
                if installation["id"] == number:
                    return {**account_of(installation), "installation_id": number}
        raise Refused(not_proven())

    def revoke(self, token: str) -> None:
        """Uninstall the app. Raises `Refused`, but not when the installation is gone already."""
        installation = self.properties["installation_id"]
        response = call_as_app(self.oauth_context(), "DELETE", f"/app/installations/{installation}")
        if response.status not in (204, 404):
            raise Refused(self.classify_installation(response, self.oauth_context()))

    def base_url(self) -> str:
        return API
