"""GitHub Apps: https://docs.github.com/en/apps  Limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Literal

from joserfc import jwt
from joserfc.jwk import RSAKey

from sequin_admin.core import clock, http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.collections import collection_schema
from sequin_admin.credentials.kinds import (
    MAX_NUMBER,
    AppProperties,
    OAuth2,
    OAuthContext,
    Plan,
    Properties,
    Property,
    Rate,
    RateLimitSignals,
    Secret,
    TokenGrant,
    register,
)
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.normalizers import (
    Normalizer,
    address_of,
    digits,
    number_named,
    one_of,
    segments,
)
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.credentials.pages import PagedReader
from sequin_admin.credentials.private_keys import rsa_key
from sequin_admin.tokens import protocol

API = "https://api.github.com"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
LOGIN = r"[A-Za-z0-9][\w.-]*(\[bot\])?"
# Pages of GitHub's own.
NO_ACCOUNTS = ("apps", "settings", "github.com", "www.github.com")
# An id as in the callback, at most 2^63-1 by its length.
INSTALLATION = r"[1-9][0-9]{0,17}"
PAGE_ROWS = "100"  # the most that GitHub gives
NEXT_PAGE = re.compile(r'<[^>]*[?&]page=([0-9]{1,9})[^>]*>;\s*rel="next"')
TIME_CLAIM = re.compile(r"\('(exp|iat)'\)")
JWT_LIFE_S, JWT_SKEW_S = 540, 60  # GitHub accepts at most ten minutes; its clock may be behind


def path_at_github(text: str) -> list[str]:
    """The path of an address at github.com in its parts; empty for other texts."""
    parts = address_of(text)
    of_github = parts and parts.netloc in ("github.com", "www.github.com")
    return segments(parts) if parts and of_github else []


def part_after(name: str) -> Normalizer:
    """What follows `name` in an address at github.com."""

    def normalize(text: str) -> str:
        path = path_at_github(text)
        return path[path.index(name) + 1] if name in path[:-1] else text

    return normalize


def installation(text: str) -> str:
    """The installation of the address of its settings, or of the callback."""
    return number_named("installation_id")(part_after("installations")(text))


def login(text: str) -> str:
    """The account of https://github.com/paul-atreides, paul-atreides/, or @paul-atreides."""
    path = path_at_github(text) or text.strip("/").split("/")
    named = [part for part in path if part not in ("orgs", "organizations", "users")]
    account = named[0].removeprefix("@") if named else text
    return account if re.fullmatch(LOGIN, account) and account not in NO_ACCOUNTS else text


class GitHubAppProperties(AppProperties):
    """The app's own page at GitHub shows all of these."""

    app_id: str = Property("App ID", example="310104", pattern=r"\d+", normalizer=digits)
    slug: str = Property(
        "Slug",
        help="The last part of the app's address.",
        pattern=r"[\w-]+",
        normalizer=part_after("apps"),
    )
    private_key: Secret = Property(
        "Private key",
        help="The whole .pem file that GitHub generated.",
        multiline=True,
        normalizer=rsa_key,
    )
    webhook_secret: Secret | None = Property("Webhook secret", default=None, password=True)


class GitHubProperties(Properties):
    kind: Literal["github_app"]
    account_type: Literal["User", "Organization"] = Property(
        "Account type", normalizer=one_of("User", "Organization")
    )
    account_login: str = Property("Account", example="paul-atreides", normalizer=login)
    installation_id: int = Property(
        "Installation ID",
        example="47232440",
        minimum=1,
        maximum=MAX_NUMBER,
        normalizer=installation,
    )


@register
class GitHub(Credential):
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
    mints = True
    oauth: ClassVar[OAuth2] = OAuth2(
        authorize_url="https://github.com/apps/{slug}/installations/new",
        token_url="https://github.com/login/oauth/access_token",  # noqa: S106 - an address
        rotates=False,
        pkce=False,
        app=GitHubAppProperties,
        refresh_property="",
    )
    guide = (
        "In GitHub open Settings > Developer settings > GitHub Apps and create or edit an app.",
        "As callback URL enter the redirect URI shown here.",
        "Tick 'Request user authorization (OAuth) during installation': it proves who came.",
        "Grant the repository permissions you want to sync with, and save.",
        "Copy App ID, client ID and the slug; generate a client secret and a private key.",
    )

    catalogue = (
        collection_schema(
            "repository",
            "id!:number full_name private:boolean default_branch created_at:datetime "
            "updated_at:datetime",
        ),
        collection_schema(
            "issue",
            "id!:number number:number title state body created_at:datetime updated_at:datetime",
        ),
        collection_schema(
            "pull_request",
            "id!:number number:number title state merged_at:datetime updated_at:datetime",
        ),
        collection_schema("commit", "sha! html_url author:object commit:object"),
        collection_schema(
            "release", "id!:number tag_name name draft:boolean published_at:datetime"
        ),
        collection_schema("user", "id!:number login type html_url"),
    )

    class Meta:
        proxy = True
        app_label = "providers"

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
            return outcomes.expired(
                "bad_credentials", "GitHub refuses the access token."
            ).with_evidence(response)
        if response.status in (403, 429) and is_throttled(response, message):
            wait = outcomes.retry_after(response) or outcomes.until_reset(response)
            text = "GitHub asks us to slow down."
            return outcomes.transient("throttled", text, retry_after_s=wait).with_evidence(response)
        if response.status == 403 and "suspended" in message:
            return suspended().with_evidence(response)
        if response.status == 403:
            return outcomes.customer(
                "permission",
                "GitHub says the app lacks a permission in this account.",
                "The customer must accept the app's permissions at GitHub.",
                "You must accept the app's permissions at GitHub.",
            ).with_evidence(response)
        return outcomes.by_status(response, "GitHub")

    @classmethod
    def classify_token_error(cls, response: Response) -> Outcome:
        """The user code exchange, whose errors have status 200."""
        error = str(response.data().get("error", ""))
        if error == "bad_verification_code":
            return outcomes.customer(
                error,
                "GitHub says the code of this installation was already used or is too old.",
                "Start again and install the app once more.",
            ).with_evidence(response)
        if error in {"incorrect_client_credentials", "redirect_uri_mismatch"}:
            return outcomes.client_refused(error, "GitHub", client_is_ours=True).with_evidence(
                response
            )
        return super().classify_token_error(response)

    @classmethod
    def check_callback(cls, context: OAuthContext) -> None:
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
            response = http.get(
                f"{API}/user/installations",
                bearer=grant.access_token,
                headers=HEADERS,
                params=params,
            )
            outcome = cls.classify(response)
            if not outcome.ok:
                raise Refused(outcome)
            return response

        for page in PagedReader("GitHub").pages(read, number_of_next_page):
            for installation in page.data()["installations"]:
                if installation["id"] == number:
                    return {**account_of(installation), "installation_id": number}
        raise Refused(not_proven())

    def revoke(self, token: str) -> None:
        installation = self.properties["installation_id"]
        response = call_as_app(self.oauth_context(), "DELETE", f"/app/installations/{installation}")
        if response.status not in (204, 404):
            raise Refused(self.classify_installation(response, self.oauth_context()))

    def base_url(self) -> str:
        return API


def app_jwt(context: OAuthContext) -> str:
    """The JWT that authenticates the app. Raises `Refused` for an unreadable private key.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    now = int(clock.now().timestamp())
    claims = {"iat": now - JWT_SKEW_S, "exp": now + JWT_LIFE_S, "iss": context.client_id}
    try:
        key = RSAKey.import_key(str(context.app["private_key"]))
    except ValueError:
        raise Refused(
            outcomes.operator(
                "private_key",
                "The private key of our GitHub App is not a PEM file that can be read.",
                "Generate a private key on the app's page at GitHub and enter the whole file.",
            )
        ) from None
    return jwt.encode({"alg": "RS256"}, claims, key)


def seconds_until(text: Any) -> float | None:
    """Seconds until a time as GitHub writes it; None when it is none."""
    try:
        return (datetime.fromisoformat(text) - clock.now()).total_seconds()
    except (TypeError, ValueError):
        return None


def call_as_app(context: OAuthContext, method: str, path: str) -> Response:
    return http.request(method, f"{API}{path}", bearer=app_jwt(context), headers=HEADERS)


def number_of_next_page(page: Response) -> str:
    """The `page` of the link to the next one (RFC 8288); empty on the last page."""
    link = NEXT_PAGE.search(page.headers.get("link", ""))
    return link[1] if link else ""


def account_of(installation: Mapping[str, Any]) -> dict[str, Any]:
    """The account's properties. An enterprise has a slug instead of a login, and no type;
    it counts as an organization."""
    account = installation["account"]
    type_ = account.get("type", "Enterprise")
    return {
        "account_login": account["login"] if "login" in account else account["slug"],
        "account_type": "Organization" if type_ == "Enterprise" else type_,
    }


def is_throttled(response: Response, message: str) -> bool:
    spent = response.headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in response.headers or "secondary rate limit" in message


def app_not_accepted(response: Response) -> Outcome:
    """A wrong clock is no wrong key: GitHub names the claim, and sends its own time as `Date`."""
    ahead_s = outcomes.clock_ahead_s(response)
    off = ahead_s is not None and not -JWT_LIFE_S < ahead_s < JWT_SKEW_S
    if off or TIME_CLAIM.search(str(response.data().get("message", ""))):
        return outcomes.clock_wrong("GitHub", ahead_s, of_app=True).with_evidence(response)
    return outcomes.operator(
        "app_jwt",
        "GitHub does not accept our app's signature: its id or private key is wrong.",
        "Compare app ID and client ID with the app's page at GitHub and enter a new private key.",
    ).with_evidence(response)


def uninstalled() -> Outcome:
    return outcomes.customer(
        "uninstalled",
        "The GitHub App was uninstalled from this account.",
        "The customer must install it again.",
        "You must install it again.",
    )


def suspended() -> Outcome:
    return outcomes.customer(
        "suspended",
        "The GitHub App's installation in this account was suspended.",
        "The customer must unsuspend it in GitHub under Settings > Applications.",
        "You must unsuspend it in GitHub under Settings > Applications.",
    )


def not_proven() -> Outcome:
    return outcomes.customer(
        "not_proven",
        "GitHub does not confirm that this installation belongs to the person who came back.",
        "Start again and install the app from the page it leads to.",
    )
