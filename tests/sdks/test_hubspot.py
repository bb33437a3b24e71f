"""HubSpot's own SDK (hubspot-api-client) against the simulated HubSpot.

It speaks the first version of the OAuth API, and of the CRM's the third.
"""

import hubspot
import pytest
from hubspot.crm import contacts
from hubspot.utils.oauth import get_auth_url

ACCOUNT = "21902692"
pytestmark = pytest.mark.faults


@pytest.fixture
def app(simulator):
    names = ("client_id", "client_secret")
    known = simulator.app("hubspot")
    return {**{name: known[name] for name in names}, "redirect_uri": known["redirect_uris"][0]}


@pytest.fixture
def api():
    return hubspot.HubSpot()


@pytest.fixture
def tokens(app, api, consent):
    scope = ("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write")
    url = get_auth_url(app["client_id"], app["redirect_uri"], scope=scope, state="s")
    code = consent(url, ACCOUNT)["code"]
    tokens = api.oauth.tokens_api.create(grant_type="authorization_code", code=code, **app)
    api.access_token = tokens.access_token
    return tokens


def refresh(api, app, token):
    return api.oauth.tokens_api.create(grant_type="refresh_token", refresh_token=token, **app)


def test_a_code_becomes_tokens_that_can_be_refreshed(app, api, tokens):
    fresh = refresh(api, app, tokens.refresh_token)

    assert fresh.refresh_token == tokens.refresh_token
    assert fresh.access_token != tokens.access_token
    assert fresh.expires_in == 1800


def test_a_token_tells_whose_it_is(api, tokens):
    known = api.oauth.access_tokens_api.get(tokens.access_token)

    assert (known.hub_id, known.hub_domain) == (int(ACCOUNT), "arrakis.io")
    assert known.token == tokens.access_token
    assert "crm.objects.contacts.read" in known.scopes


def test_pages_follow_one_another(simulator, api, tokens):
    simulator.set_count("hubspot", ACCOUNT, 5)

    first = api.crm.contacts.basic_api.get_page(limit=2)
    rest = api.crm.contacts.basic_api.get_page(limit=100, after=first.paging.next.after)

    assert [one.id for one in (*first.results, *rest.results)] == ["1", "2", "3", "4", "5"]
    assert first.results[0].created_at.tzinfo is not None
    assert len(api.crm.contacts.get_all()) == 5


def test_what_is_written_is_read_back_and_stands_in_the_oracle(api, tokens, oracle):
    calls = api.crm.contacts.basic_api
    given = {"firstname": "Written", "email": "written@example.com"}
    made = calls.create(contacts.SimplePublicObjectInputForCreate(properties=given)).id

    calls.update(made, contacts.SimplePublicObjectInput(properties={"firstname": "Changed"}))

    assert calls.get_by_id(made).properties["firstname"] == "Changed"
    stored = oracle("hubspot", ACCOUNT, "contacts")[made]["properties"]
    assert (stored["firstname"], stored["email"]) == ("Changed", "written@example.com")


def test_a_deleted_refresh_token_is_refused(app, api, tokens):
    api.oauth.refresh_tokens_api.archive(tokens.refresh_token)

    with pytest.raises(hubspot.oauth.ApiException) as refusal:
        refresh(api, app, tokens.refresh_token)
    assert "BAD_REFRESH_TOKEN" in refusal.value.body
    assert api.crm.contacts.get_all(), "an access token outlives the refresh token it came from"


def test_a_revoked_token_is_unauthorized(simulator, api, tokens):
    simulator.act("hubspot", ACCOUNT, "revoke")

    with pytest.raises(contacts.exceptions.UnauthorizedException):
        api.crm.contacts.get_all()


def test_a_missing_scope_is_forbidden(simulator, api, tokens):
    simulator.act("hubspot", ACCOUNT, "drop_scope")

    with pytest.raises(contacts.exceptions.ForbiddenException):
        api.crm.contacts.get_all()


def test_too_many_calls_are_an_error_with_its_status(simulator, api, tokens):
    simulator.act("hubspot", ACCOUNT, "throttle")

    with pytest.raises(contacts.ApiException) as refusal:
        api.crm.contacts.get_all()
    assert refusal.value.status == 429
