"""Calls that are signed with the app's private key."""

import re

from sequin_admin.core import clock, http
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes, signed_tokens
from sequin_admin.credentials.kinds import OAuthContext
from sequin_admin.credentials.outcomes import Outcome, Refused

API = "https://api.github.com"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
TIME_CLAIM = re.compile(r"\('(exp|iat)'\)")
JWT_LIFE_S, JWT_SKEW_S = 540, 60  # GitHub accepts at most ten minutes; its clock may be behind


def app_jwt(context: OAuthContext) -> str:
    """The JWT that authenticates the app. Raises `Refused` for an unreadable private key.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    now = int(clock.now().timestamp())
    claims = {"iat": now - JWT_SKEW_S, "exp": now + JWT_LIFE_S, "iss": context.client_id}
    try:
        return signed_tokens.sign("RS256", claims, str(context.app["private_key"]))
    except ValueError:
        raise Refused(
            outcomes.operator(
                "private_key",
                "The private key of our GitHub App is not a PEM file that can be read.",
                "Generate a private key on the app's page at GitHub and enter the whole file.",
            )
        ) from None


def call_as_app(context: OAuthContext, method: str, path: str) -> Response:
    return http.request(method, f"{API}{path}", bearer=app_jwt(context), headers=HEADERS)


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
