"""A plain HTTP client of the simulated authorization servers."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.simulator_server import Simulator

VERIFIER = "v" * 50
HASHED = hashlib.sha256(VERIFIER.encode()).digest()
PKCE = {
    "code_challenge": base64.urlsafe_b64encode(HASHED).rstrip(b"=").decode(),
    "code_challenge_method": "S256",
}

# Authorize address, token address, how the client signs in, account, extra authorize parameters.
SERVERS: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    "hubspot": (
        "https://app.hubspot.com/oauth/authorize",
        "https://api.hubapi.com/oauth/2026-03/token",
        "body",
        "21902692",
        {"scope": "oauth crm.objects.contacts.read"},
    ),
    "airtable": (
        "https://airtable.com/oauth2/v1/authorize",
        "https://airtable.com/oauth2/v1/token",
        "basic",
        "usrziLeD23j9AJ1",
        {"scope": "data.records:read", **PKCE},
    ),
    "linear": (
        "https://linear.app/oauth/authorize",
        "https://api.linear.app/oauth/token",
        "body",
        "abc123",
        {"scope": "read,write"},
    ),
    "salesforce": (
        "https://login.salesforce.com/services/oauth2/authorize",
        "https://login.salesforce.com/services/oauth2/token",
        "body",
        "00D5g000004ArrakEA",
        {"scope": "api refresh_token", **PKCE},
    ),
    "stripe": (
        "https://connect.stripe.com/oauth/authorize",
        "https://connect.stripe.com/oauth/token",
        "body",
        "acct_1Arrakis0000001",
        {"scope": "read_write"},
    ),
}


class Customer:
    """A customer who consents, and the app that redeems the code."""

    def __init__(self, simulator: Simulator, provider: str) -> None:
        self.simulator, self.provider = simulator, provider
        self.authorize_url, self.token_url, self.auth, self.account, self.extra = SERVERS[provider]
        self.app = simulator.app(provider)
        self.redirect_uri = self.app["redirect_uris"][0]

    def address(self, **changes: str) -> str:
        query = {
            "client_id": self.app["client_id"],
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "state": "s1",
            **self.extra,
            **changes,
        }
        return f"{self.authorize_url}?{urlencode(query)}"

    def callback(self, *, allow: bool = True, **changes: str) -> dict[str, str]:
        back = self.simulator.consent(self.address(**changes), account=self.account, allow=allow)
        return dict(parse_qsl(urlsplit(back).query))

    def code(self, **changes: str) -> str:
        return self.callback(**changes)["code"]

    def post(self, fields: dict[str, str], *, auth: str = "", secret: str = "") -> Any:
        pair = (self.app["client_id"], secret or self.app["client_secret"])
        basic = pair if (auth or self.auth) == "basic" else None
        if not basic:
            fields = {**fields, "client_id": pair[0], "client_secret": pair[1]}
        url = self.simulator.url_for(self.token_url)
        return self.simulator.http.post(url, auth=basic, data=fields)

    def redeem(self, code: str, **changes: str) -> Any:
        fields = {"redirect_uri": self.redirect_uri, "code_verifier": VERIFIER, **changes}
        return self.post({"grant_type": "authorization_code", "code": code, **fields})

    def refresh(self, token: str) -> Any:
        return self.post({"grant_type": "refresh_token", "refresh_token": token})

    def connect(self, **changes: str) -> dict[str, Any]:
        """Consent and redeem; returns the tokens of a new connection."""
        tokens: dict[str, Any] = self.redeem(self.code(**changes)).json()
        return tokens

    def call(self, address: str, token: str, **headers: str) -> Any:
        url = self.simulator.url_for(address)
        bearer = {"Authorization": f"Bearer {token}"}
        return self.simulator.http.get(url, headers={**bearer, **headers})
