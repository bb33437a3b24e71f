"""Our OAuth 2 client against a strict third-party server (django-oauth-toolkit)."""

import re
from datetime import timedelta
from typing import ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from sequin_admin.connect import flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core import clock, http
from sequin_admin.credentials import outcomes, registry
from sequin_admin.credentials.kinds import (
    AppProperties,
    OAuth2,
    OAuthKind,
    Properties,
    Property,
    Secret,
)
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.tokens import protocol, renewal
from sequin_admin.tokens.models import Token
from tests.oauth_server.prepare import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI
from tests.patience import PATIENCE_S

HOST = "oauth.toolkit.test"


class ToolkitProperties(Properties):
    kind: Literal["toolkit_basic"]
    account: str = Property("Account")
    refresh_token: Secret = Property("Refresh token")


class PostProperties(ToolkitProperties):
    kind: Literal["toolkit_post"]


class Toolkit(OAuthKind):
    """Base of both kinds, which differ in the client authentication."""

    provider, provider_title, label = "toolkit", "Toolkit", "OAuth"
    identity_properties = ("account",)

    class Meta:
        proxy = True
        app_label = "providers"

    def probe(self, token):
        return outcomes.works() if me(token).ok else outcomes.expired("401", "It ended.")

    @classmethod
    def identify(cls, grant, context):
        return {"account": me(grant.access_token).data()["account"]}


def me(token):
    return http.get(f"https://{HOST}/me", bearer=token)


def flow_with(client_auth):
    return OAuth2(
        authorize_url=f"https://{HOST}/o/authorize/",
        token_url=f"https://{HOST}/o/token/",
        rotates=True,
        scopes=("read",),
        client_auth=client_auth,
    )


class Basic(Toolkit):
    slug = "toolkit_basic"
    properties_class = ToolkitProperties
    oauth: ClassVar = flow_with("client_secret_basic")

    class Meta:
        proxy = True
        app_label = "providers"


class Post(Toolkit):
    slug = "toolkit_post"
    properties_class = PostProperties
    oauth: ClassVar = flow_with("client_secret_post")

    class Meta:
        proxy = True
        app_label = "providers"


@pytest.fixture
def server(oauth_server):
    return oauth_server


@pytest.fixture(params=[Basic, Post], ids=["client_secret_basic", "client_secret_post"])
def kind(request, server, settings, monkeypatch):
    """A kind for this server, registered for one test."""
    settings.PROVIDER_BASE_URLS = {HOST: server}
    settings.PUBLIC_URL = REDIRECT_URI.removesuffix("/link/oauth2/callback/toolkit")
    monkeypatch.setitem(registry.registered, request.param.slug, request.param)
    return request.param


@pytest.fixture
def app(organization):
    return OAuthApp.objects.create(
        organization=organization,
        provider="toolkit",
        name="Toolkit app",
        client_id=CLIENT_ID,
        secrets=AppProperties(client_secret=CLIENT_SECRET).secret_values(),
    )


@pytest.fixture
def person(server):
    """A browser that is logged in at the server."""
    with httpx2.Client(base_url=server, timeout=PATIENCE_S, trust_env=False) as client:
        client.get("/enter")
        yield client


@pytest.fixture
def authorized(kind, organization, user, app, person):
    """The callback's parameters after Authorize (or Cancel) was pressed."""

    def authorized(*, allow=True):
        url = flow.start(organization, kind, user=user, session_key="browser", oauth_app=app)
        page = person.get(url)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        form = {name: value.replace("&amp;", "&") for name, value in hidden.items()}
        answer = person.post(url, data={**form, **({"allow": "Authorize"} if allow else {})})
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    return authorized


@pytest.fixture
def finish(user):
    def finish(params):
        return flow.finish(params, user=user, session_key="browser", provider="toolkit")

    return finish


@pytest.fixture
def connected(authorized, finish):
    connect_session = finish(authorized())
    assert connect_session.credential, connect_session.failure
    return connect_session.credential


def fresh(credential):
    return Credential.objects.get(pk=credential.pk)


def expire(credential):
    past = clock.now() - timedelta(seconds=1)
    Token.objects.filter(credential=credential).update(expires_at=past, next_try_at=None)


def test_connecting_stores_a_token_that_works(connected):
    token = Token.objects.get(credential=connected)

    assert connected.properties == {"account": "arrakis"}
    assert 290 < (token.expires_at - clock.now()).total_seconds() <= 300
    assert me(renewal.get_access_token(connected)).ok


def test_a_refresh_rotates_and_the_new_refresh_token_is_kept(connected):
    before = fresh(connected).secrets["refresh_token"]
    expire(connected)

    assert me(renewal.get_access_token(fresh(connected))).ok
    expire(connected)
    assert me(renewal.get_access_token(fresh(connected))).ok

    assert fresh(connected).secrets["refresh_token"] != before


def test_a_reused_refresh_token_ends_the_grant_and_is_the_customers(connected):
    """The server detects the reuse of a refresh token and revokes the grant."""
    spent = fresh(connected).secrets["refresh_token"]
    expire(connected)
    renewal.get_access_token(fresh(connected))
    kind = type(connected)
    with pytest.raises(Refused) as replay:
        protocol.refresh(kind, fresh(connected).oauth_context(), spent)
    assert replay.value.outcome.code == "invalid_grant"
    expire(connected)

    with pytest.raises(Refused) as dead:
        renewal.get_access_token(fresh(connected))

    assert dead.value.outcome.verdict is Verdict.CUSTOMER
    assert "connect the account again" in dead.value.outcome.remedy


def test_a_wrong_client_secret_is_ours(connected, app):
    app.secrets = {"client_secret": "wrong"}
    app.save()
    expire(connected)

    with pytest.raises(Refused) as refusal:
        renewal.get_access_token(fresh(connected))

    assert refusal.value.outcome.verdict is Verdict.OPERATOR
    assert refusal.value.outcome.of_app


def test_refusing_is_told(authorized, finish):
    connect_session = finish(authorized(allow=False))

    assert connect_session.credential is None
    assert "Access was denied at Toolkit" in connect_session.failure


def test_a_wrong_verifier_is_refused(authorized, finish):
    params = authorized()
    connect_session = ConnectSession.objects.get()
    connect_session.secrets = {**connect_session.secrets, "verifier": "x" * 64}
    connect_session.save()

    ended = finish(params)

    assert ended.credential is None
    assert ended.failure.endswith(".")


def test_a_code_is_exchanged_once(authorized, finish, kind, app):
    params = authorized()
    verifier = ConnectSession.objects.get().secrets["verifier"]
    context = flow.context_of(ConnectSession.objects.get(), params)
    assert finish(params).credential

    with pytest.raises(Refused) as refusal:
        protocol.exchange(
            kind, context, code=params["code"], redirect_uri=REDIRECT_URI, verifier=verifier
        )
    assert refusal.value.outcome.verdict is Verdict.CUSTOMER


def test_another_redirect_uri_is_refused(authorized, kind):
    params = authorized()
    connect_session = ConnectSession.objects.get()

    with pytest.raises(Refused):
        protocol.exchange(
            kind,
            flow.context_of(connect_session, params),
            code=params["code"],
            redirect_uri="http://127.0.0.1:8000/elsewhere",
            verifier=connect_session.secrets["verifier"],
        )


def test_no_token_is_given_without_pkce(person):
    """The tests above are only meaningful if the server enforces PKCE."""
    answer = person.get(
        "/o/authorize/",
        params={"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI},
    )

    assert "Code+challenge+required" in answer.headers["location"]
