"""Importing credentials and connecting them at the simulator, whatever their kind."""

from collections.abc import Callable
from typing import Any

import pytest

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import accounts, flow
from sequin_admin.connect.models import Attempt
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from tests.simulator import Simulator
from tests.trips import query_of


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
        params = {**query_of(back), **(forged or {})}
        return flow.finish(params, user=user, session_key="browser", provider=declared.provider)

    return go
