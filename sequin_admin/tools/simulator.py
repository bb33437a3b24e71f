"""The simulator's control API: a tool on this machine, not a provider behind the door."""

from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx2

from sequin_admin.access.models import Organization
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.models import OAuthApp


class SimulatorControl:
    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/control-api/{path}", json=body).raise_for_status()
        known: dict[str, Any] = answer.json()
        return known

    def get(self, path: str) -> dict[str, Any]:
        known: dict[str, Any] = self.http.get(f"/control-api/{path}").raise_for_status().json()
        return known

    def populate(self, provider: str, like: str, ids: Sequence[str]) -> None:
        self.post(f"{provider}/populate", like=like, ids=list(ids))

    def register(self, organization: Organization, kind: Any) -> OAuthApp:
        """Our app at the kind's provider, as a person copies it from the developer page."""
        known, declared = self.get(f"{kind.provider}/app"), kind.oauth.app
        properties = {name: known[name] for name in declared.names() if name in known}
        return oauth_apps.create(
            organization,
            kind.provider,
            name=f"{kind.provider_title} (simulated)",
            client_id=known["client_id"],
            properties=declared.model_validate(properties),
            actor=None,
        )

    def chaos(self, provider: str, **data: Any) -> None:
        self.post(f"{provider}/chaos", **data)

    def calm(self, provider: str) -> None:
        self.post(f"{provider}/faults", name="clear")

    def alive(self, provider: str, access: str) -> bool:
        return bool(self.post(f"{provider}/alive", access=access)["alive"])

    def grants(self, provider: str) -> dict[str, dict[str, Any]]:
        """What became of each account's newest consent."""
        return {row["external_id"]: row for row in self.get(f"{provider}/grants")["data"]}

    def token_calls(self, provider: str) -> int:
        rows = self.get(f"{provider}/calls")["data"]
        return sum("token" in row["endpoint"] and "POST" in row["endpoint"] for row in rows)

    def consent(self, url: str, account: str) -> dict[str, str]:
        """Choose the account on the consent page and allow. Returns the callback's query."""
        answer = self.http.post(url, data={"account": account, "allow": "1"})
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
