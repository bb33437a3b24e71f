"""Importing credentials and connecting them at the simulator, whatever their kind."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import accounts, flow
from sequin_admin.connect.models import Attempt
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.simulator import Simulator


@pytest.fixture
def save(organization: Organization, user: User) -> Callable[..., Credential]:
    """Import properties as the form or the API does."""

    def save(kind: str, **properties: Any) -> Credential:
        declared = kinds.get(kind).properties_class
        parsed = declared.model_validate({"kind": kind, **properties})
        credential, _ = accounts.save(organization, parsed, actor=user)
        return credential

    return save


@pytest.fixture
def make_app(simulated: Simulator, organization: Organization) -> Callable[[str], OAuthApp]:
    """Register the simulator's developer app of a provider with us."""

    def make(provider: str) -> OAuthApp:
        known = simulated.app(provider)
        declared = kinds.oauth_of(provider).app
        values = {name: known[name] for name in declared.names() if name in known}
        properties = declared.model_validate(values)
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
def go(simulated: Simulator, organization: Organization, user: User) -> Callable[..., Attempt]:
    """Go to the provider, choose an account, press Allow (or Deny), come back.

    `forged` replaces parameters of the callback on the way.
    """

    def go(
        kind: str,
        account: str,
        *,
        allow: bool = True,
        forged: dict[str, str] | None = None,
        **options: Any,
    ) -> Attempt:
        declared = kinds.get(kind)
        url = flow.start(organization, declared, user=user, session_key="browser", **options)
        back = simulated.consent(url, account=account, allow=allow)
        params = {**dict(parse_qsl(urlsplit(back).query)), **(forged or {})}
        return flow.finish(params, user=user, session_key="browser", provider=declared.provider)

    return go
