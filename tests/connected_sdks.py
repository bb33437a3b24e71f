"""A working credential of any kind, at the simulator."""

from collections.abc import Callable
from typing import Any

import pytest

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import credential_operations
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.browser.kinds import STORIES, answers
from tests.simulator_server import Simulator


@pytest.fixture
def connected(
    go: Callable[..., Any],
    make_app: Callable[[str], OAuthApp],
    organization: Organization,
    user: User,
    simulated: Simulator,
) -> Callable[[str], Credential]:
    """Connect a kind by its `Story`: by OAuth, or by entering its properties."""

    def connected(slug: str) -> Credential:
        kind, story = kinds.get(slug), STORIES[slug]
        entered = {n: value for n, value in answers(simulated, kind).items() if value != ""}
        if kind.oauth:
            app = make_app(kind.provider) if kind.client_is_ours() else None
            credential = go(slug, story.account, oauth_app=app, inputs=entered).credential
        else:
            properties = kind.properties_class(kind=slug, **entered)
            credential = credential_operations.save_credential(
                organization, properties, actor=user
            ).credential
        assert isinstance(credential, Credential)
        return credential

    return connected
