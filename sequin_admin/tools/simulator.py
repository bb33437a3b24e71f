"""Client of the simulator's control API. A local tool, so it does not use `core.http`."""

from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx2

from sequin_admin.access.models import Organization
from sequin_admin.credentials import oauth_apps
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import OAuthApp


class SimulatorControl:
    """One method per call of the control API. Raises httpx's errors."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        response = self.http.post(f"/control-api/{path}", json=body).raise_for_status()
        data: dict[str, Any] = response.json()
        return data

    def get(self, path: str) -> dict[str, Any]:
        data: dict[str, Any] = self.http.get(f"/control-api/{path}").raise_for_status().json()
        return data

    def populate(self, provider: str, like: str, ids: Sequence[str]) -> None:
        self.post(f"{provider}/populate", like=like, ids=list(ids))

    def app_of(self, provider: str, owner: str) -> dict[str, Any]:
        """The app of the customer whose account is `owner`, or a second one of ours."""
        url = f"/control-api/{provider}/app"
        data: dict[str, Any] = self.http.get(url, params={"owner": owner}).raise_for_status().json()
        return data

    def register(
        self, organization: Organization, kind: type[OAuthKind], *, name: str = "", owner: str = ""
    ) -> OAuthApp:
        """Create an `OAuthApp` from the provider's simulated developer page."""
        registered, declared = self.app_of(kind.provider, owner), kind.oauth.app
        properties = {name: registered[name] for name in declared.names() if name in registered}
        return oauth_apps.create(
            organization,
            kind.provider,
            name=name or f"{kind.provider_title} (simulated)",
            client_id=registered["client_id"],
            properties=declared.model_validate(properties),
            actor=None,
        )

    def chaos(self, provider: str, **data: Any) -> None:
        self.post(f"{provider}/chaos", **data)

    def clear_faults(self, provider: str) -> None:
        self.post(f"{provider}/faults", name="clear")

    def is_token_alive(self, provider: str, access: str) -> bool:
        return bool(self.post(f"{provider}/alive", access=access)["alive"])

    def grants(self, provider: str) -> dict[str, dict[str, Any]]:
        """The newest grant of each account, by external id."""
        return {row["external_id"]: row for row in self.get(f"{provider}/grants")["data"]}

    def journal(self, provider: str, account: str) -> list[dict[str, Any]]:
        """The account's grants, each with every refresh token that was issued, oldest first."""
        grants: list[dict[str, Any]] = self.get(f"{provider}/journal/{account}")["data"]
        return grants

    def token_calls(self, provider: str, *, ok: bool = False) -> int:
        """How often the token endpoint was called, or (`ok`) gave a token."""
        rows = self.get(f"{provider}/calls")["data"]
        calls = [r for r in rows if "token" in r["endpoint"] and "POST" in r["endpoint"]]
        return sum(not ok or row["status"] == 200 for row in calls)

    def local(self, url: str) -> str:
        """The simulator's address of a provider's page."""
        base = str(self.http.base_url).rstrip("/")
        return url if url.startswith(base) else f"{base}/{url.removeprefix('https://')}"

    def consent(self, url: str, account: str) -> dict[str, str]:
        """Allow access to the account on the consent page. Returns the callback's parameters."""
        response = self.http.post(url, data={"account": account, "allow": "1"})
        return dict(parse_qsl(urlsplit(response.headers["location"]).query))
