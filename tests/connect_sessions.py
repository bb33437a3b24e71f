"""Fixtures that register an OAuth app of the simulator and complete a connect session."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import OAuthApp
from tests.simulator_server import Simulator

Connect = Callable[..., ConnectSession]


@pytest.fixture
def make_app(simulated: Simulator, organization: Organization) -> Callable[[str], OAuthApp]:
    """Make an OAuth app with the values of the simulator's developer app."""

    def make(provider: str) -> OAuthApp:
        known = simulated.app(provider)
        fields = kinds.oauth_of(provider).app
        extras = {name: known[name] for name in fields.names() if name in known}
        properties = fields.model_validate(extras)
        return OAuthApp.objects.create(
            organization=organization,
            provider=provider,
            name=f"{provider} app",
            client_id=known["client_id"],
            properties=properties.public_values(),
            secrets=properties.secret_values(),
        )

    return make


@pytest.fixture
def connect(simulated: Simulator, organization: Organization, user: User) -> Connect:
    """Go to the provider, choose an account, press Allow (or Deny), come back."""

    def run(
        app: OAuthApp, account: str, *, allow: bool = True, **options: object
    ) -> ConnectSession:
        kind = next(k for k in kinds.of_provider(app.provider) if k.oauth)
        url = flow.start(
            organization, kind, user=user, session_key="browser", oauth_app=app, **options
        )
        back = simulated.consent(url, account=account, allow=allow)
        return flow.finish(query_of(back), user=user, session_key="browser", provider=app.provider)

    return run


@pytest.fixture
def go(
    simulated: Simulator, organization: Organization, user: User
) -> Callable[..., ConnectSession]:
    """Go to the provider, choose an account, press Allow (or Deny), come back.

    `forged` replaces parameters of the callback.
    """

    def go(
        kind: str,
        account: str,
        *,
        allow: bool = True,
        forged: dict[str, str] | None = None,
        **options: Any,
    ) -> ConnectSession:
        declared = kinds.get(kind)
        url = flow.start(organization, declared, user=user, session_key="browser", **options)
        back = simulated.consent(url, account=account, allow=allow)
        params = {**query_of(back), **(forged or {})}
        return flow.finish(params, user=user, session_key="browser", provider=declared.provider)

    return go


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
