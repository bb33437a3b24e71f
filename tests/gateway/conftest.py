"""A connection that a product may exchange."""

from datetime import timedelta

import pytest

from sequin_admin.connect.models import AuthorizationRequest
from sequin_admin.core import clock
from sequin_admin.tokens import protocol
from tests.factories import make_oauth_app

BACK = "https://product.test/callback"


@pytest.fixture
def app(organization):
    return make_oauth_app(organization, "hubspot", redirect_uris=[BACK])


@pytest.fixture
def code(organization, app):
    """The code of a finished connection."""
    AuthorizationRequest.objects.create(
        organization=organization,
        kind="hubspot_oauth2",
        oauth_app=app,
        redirect_app=app,
        redirect_url=BACK,
        secrets={"state": None, "properties": {"kind": "hubspot_oauth2", "refresh_token": "r"}},
        token_digest=protocol.digest("token"),
        code_digest=protocol.digest("code"),
        expires_at=clock.now(),
        code_expires_at=clock.now() + timedelta(hours=1),
    )
    return "code"
