"""Authorization requests: a credential for another product, fetched once, by that product only."""

from datetime import timedelta

import pytest

from sequin_admin.access.models import Organization
from sequin_admin.connect import authorization_requests, flow
from sequin_admin.connect.models import AuthorizationRequest, ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from tests.connect_sessions import query_of
from tests.factories import make_oauth_app

BACK = "https://product.test/callback?keep=this"
HUBSPOT = kinds.get("hubspot_oauth2")


@pytest.fixture
def app(make_app):
    app = make_app("hubspot")
    app.redirect_uris = [BACK]
    app.save()
    return app


@pytest.fixture
def start(organization, app):
    """Start a request; returns the token of its start URL."""

    def start(**changes):
        given = {"actor": None, "redirect_url": BACK, "oauth_app": app, **changes}
        return authorization_requests.start(organization, HUBSPOT, **given).rpartition("/")[2]

    return start


@pytest.fixture
def finished(start, simulated, organization, app):
    """The query parameters that reach the product's redirect URI."""

    def finished(*, allow=True, **changes):
        authorization_request = authorization_requests.claim_request(start(**changes), "browser")
        url = flow.start(
            organization,
            HUBSPOT,
            session_key="browser",
            authorization_request=authorization_request,
            oauth_app=app,
        )
        back = query_of(simulated.consent(url, account="21902692", allow=allow))
        connect_session = flow.finish(back, user=None, session_key="browser", provider="hubspot")
        return query_of(
            authorization_requests.complete_request(
                connect_session.authorization_request, connect_session
            )
        )

    return finished


def later(monkeypatch, **gap):
    at = clock.now() + timedelta(**gap)
    monkeypatch.setattr(clock, "now", lambda: at)


def test_the_credential_is_given_once(finished, organization):
    code = finished(state={"user": [1, 2.5, None]})["code"]

    given = authorization_requests.exchange(code, actor=None, organization=organization)

    assert given.properties["hub_id"] == 21902692
    assert given.properties["refresh_token"]
    assert given.state == {"user": [1, 2.5, None]}
    with pytest.raises(authorization_requests.InvalidCode):
        authorization_requests.exchange(code, actor=None, organization=organization)


def test_nothing_secret_is_left_behind(finished, organization):
    authorization_requests.exchange(finished()["code"], actor=None, organization=organization)

    assert AuthorizationRequest.objects.get().secrets == {}
    assert ConnectSession.objects.get().secrets == {}


def test_a_code_lives_for_a_minute(finished, organization, monkeypatch):
    code = finished()["code"]
    later(monkeypatch, seconds=61)

    with pytest.raises(authorization_requests.InvalidCode, match="60 seconds"):
        authorization_requests.exchange(code, actor=None, organization=organization)


def test_a_code_belongs_to_the_organization_the_app_and_the_address(finished, organization, app):
    code = finished()["code"]
    stranger = Organization.objects.create(name="Giedi Prime", slug="giedi")
    other_app = make_oauth_app(organization, "hubspot")

    for wrong in (
        {"organization": stranger},
        {"oauth_app": other_app},
        {"oauth_app": app, "redirect_uri": "https://product.test/other"},
    ):
        with pytest.raises(authorization_requests.InvalidCode):
            authorization_requests.exchange(code, actor=None, **wrong)

    assert authorization_requests.exchange(code, actor=None, oauth_app=app, redirect_uri=BACK)


def test_the_address_keeps_its_own_query_and_gets_a_short_state(finished):
    params = finished(state="abc")

    assert set(params) == {"keep", "code", "state"}
    assert (params["keep"], params["state"]) == ("this", "abc")


def test_a_refusal_goes_back_as_rfc_6749_has_it(finished):
    params = finished(allow=False, state="abc")

    assert params["error"] == "access_denied"
    assert params["state"] == "abc"
    assert "Access was denied at HubSpot" in params["error_description"]
    assert "code" not in params


def test_a_start_address_is_for_one_browser(start):
    token = start()
    authorization_requests.claim_request(token, "browser")

    assert authorization_requests.claim_request(token, "browser")
    with pytest.raises(authorization_requests.RequestClosed, match="used already"):
        authorization_requests.claim_request(token, "another")


def test_a_start_address_is_good_for_five_minutes(start, monkeypatch):
    token = start()
    later(monkeypatch, minutes=5, seconds=1)

    with pytest.raises(authorization_requests.RequestClosed, match="five minutes"):
        authorization_requests.claim_request(token, "browser")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"redirect_url": "https://evil.test/"}, "redirect_url"),
        ({"redirect_url": BACK + "&more"}, "redirect_url"),
        ({"oauth_app": None}, "oauth_app_id"),
        ({"state": "é" * 2500}, "state"),
    ],
    ids=["foreign", "similar", "no app", "5,002 bytes"],
)
def test_what_could_not_end_well_does_not_start(start, wrong, field):
    with pytest.raises(authorization_requests.InvalidRequest) as refusal:
        start(**wrong)

    assert refusal.value.field == field
    assert str(refusal.value).endswith(".")


def test_a_state_of_five_kilobytes_comes_back_unchanged(finished, organization):
    state = "é" * 2499
    code = finished(state=state)["code"]

    assert (
        authorization_requests.exchange(code, actor=None, organization=organization).state == state
    )


def test_what_nobody_came_for_is_forgotten(finished, monkeypatch):
    finished()
    later(monkeypatch, seconds=61)

    assert authorization_requests.prune()
    assert not AuthorizationRequest.objects.exists()


def test_a_start_address_that_led_to_a_code_leads_nowhere_more(start, simulated, organization, app):
    token = start()
    authorization_request = authorization_requests.claim_request(token, "browser")
    url = flow.start(
        organization,
        HUBSPOT,
        session_key="browser",
        authorization_request=authorization_request,
        oauth_app=app,
    )
    back = query_of(simulated.consent(url, account="21902692"))
    connect_session = flow.finish(back, user=None, session_key="browser", provider="hubspot")
    authorization_requests.complete_request(connect_session.authorization_request, connect_session)

    with pytest.raises(authorization_requests.RequestClosed):
        authorization_requests.claim_request(token, "browser")
