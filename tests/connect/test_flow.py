"""Connect sessions with the simulated HubSpot: what they store, and what they refuse."""

from datetime import timedelta

import pytest

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations, flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from tests.connect_sessions import query_of

ARRAKIS, GIEDI_PRIME = "21902692", "33011844"


@pytest.fixture
def app(make_app):
    return make_app("hubspot")


@pytest.fixture
def back(app, organization, user, simulated):
    """The callback of a connect session that has not been finished yet."""
    url = flow.start(
        organization, kinds.get("hubspot_oauth2"), user=user, session_key="browser", oauth_app=app
    )
    return query_of(simulated.consent(url, account=ARRAKIS))


def test_connecting_fills_the_properties(app, connect):
    credential = connect(app, ARRAKIS).credential

    assert credential.properties["hub_id"] == 21902692
    assert credential.properties["hub_domain"] == "arrakis.io"
    assert "crm.objects.contacts.read" in credential.properties["scopes"]
    assert renewal.get_access_token(credential)


def test_connecting_is_audited_in_the_name_of_the_person(app, connect, user):
    credential = connect(app, ARRAKIS).credential

    event = Event.objects.about(credential).get(action="credential.created")
    assert event.actor == user.email


def test_connecting_the_same_account_twice_keeps_one_credential(app, connect):
    first = connect(app, ARRAKIS).credential
    second = connect(app, ARRAKIS).credential

    assert first.pk == second.pk
    assert Credential.objects.count() == 1


def test_what_was_entered_before_the_login_is_the_credentials(app, connect):
    details = {
        "contact_email": "jessica@arrakis.test",
        "metadata": {"customer": "c-1"},
        "scopes": ["oauth", "crm.objects.contacts.read"],
    }

    credential = connect(app, ARRAKIS, details=details).credential

    assert credential.contact_email == "jessica@arrakis.test"
    assert credential.metadata == {"customer": "c-1"}
    assert sorted(credential.properties["scopes"]) == ["crm.objects.contacts.read", "oauth"]


def test_denying_says_so_and_keeps_nothing(app, connect):
    connect_session = connect(app, ARRAKIS, allow=False)

    assert connect_session.credential is None
    assert "Access was denied at HubSpot" in connect_session.failure
    assert not Credential.objects.exists()


def test_a_finished_attempt_keeps_no_secret(app, connect):
    connect_session = connect(app, ARRAKIS)

    assert ConnectSession.objects.get(pk=connect_session.pk).secrets == {}


def test_a_callback_works_once(back, user):
    flow.finish(back, user=user, session_key="browser", provider="hubspot")

    with pytest.raises(flow.BadCallback, match="already finished"):
        flow.finish(back, user=user, session_key="browser", provider="hubspot")


def test_a_forged_state_is_refused(back, user):
    with pytest.raises(flow.BadCallback, match="no connection you started"):
        flow.finish(
            {**back, "state": "x" * 43}, user=user, session_key="browser", provider="hubspot"
        )


def test_another_browser_is_refused(back, user):
    with pytest.raises(flow.BadCallback, match="in this browser"):
        flow.finish(back, user=user, session_key="another", provider="hubspot")


def test_another_person_is_refused(back, stranger):
    with pytest.raises(flow.BadCallback, match="in this browser"):
        flow.finish(back, user=stranger, session_key="browser", provider="hubspot")


def test_another_providers_callback_is_refused(back, user):
    with pytest.raises(flow.BadCallback):
        flow.finish(back, user=user, session_key="browser", provider="airtable")


def test_a_callback_after_ten_minutes_is_a_failure_that_one_can_try_again(
    back, user, monkeypatch, simulated
):
    later = clock.now() + timedelta(minutes=10, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    late = flow.finish(back, user=user, session_key="browser", provider="hubspot")

    assert (late.credential, late.error) == (None, "access_denied")
    assert "took more than ten minutes" in late.failure
    assert not [call for call in simulated.calls("hubspot") if "token" in call["endpoint"]]


def test_a_refused_callback_leaves_the_trip_to_its_owner(back, user):
    with pytest.raises(flow.BadCallback):
        flow.finish(back, user=user, session_key="another", provider="hubspot")

    assert flow.finish(back, user=user, session_key="browser", provider="hubspot").credential


def test_a_code_from_another_trip_is_refused(app, back, connect, organization, user, simulated):
    """Code injection: the code was issued for another PKCE challenge, or is used already."""
    url = flow.start(
        organization, kinds.get("hubspot_oauth2"), user=user, session_key="browser", oauth_app=app
    )
    mine = query_of(simulated.consent(url, account=GIEDI_PRIME))
    flow.finish(mine, user=user, session_key="browser", provider="hubspot")

    connect_session = flow.finish(
        {**back, "code": mine["code"]}, user=user, session_key="browser", provider="hubspot"
    )

    assert connect_session.credential is None
    assert connect_session.failure.endswith(".")


def test_reconnecting_keeps_the_id_and_takes_the_new_grant(app, connect):
    credential = connect(app, ARRAKIS).credential
    version = Token.objects.get(pk=credential.pk).version

    again = connect(app, ARRAKIS, reconnects=credential).credential

    assert again.pk == credential.pk
    assert Token.objects.get(pk=credential.pk).version == version + 1
    assert Event.objects.about(credential).filter(action="credential.reconnected").count() == 1


def test_reconnecting_with_another_account_is_refused_with_both_names(app, connect):
    credential = connect(app, ARRAKIS).credential

    connect_session = connect(app, GIEDI_PRIME, reconnects=credential)

    assert connect_session.credential is None
    assert "arrakis.io" in connect_session.failure
    assert "giedi-prime" in connect_session.failure
    assert Credential.objects.get(pk=credential.pk).properties["hub_id"] == 21902692


def test_replacing_the_account_is_a_separate_audited_act(app, connect):
    credential = connect(app, ARRAKIS).credential

    replaced = connect(app, GIEDI_PRIME, reconnects=credential, replaces_account=True).credential

    assert replaced.pk == credential.pk
    assert replaced.properties["hub_id"] == 33011844
    event = Event.objects.about(credential).get(action="credential.account_replaced")
    assert "arrakis.io" in event.details["before"]


def test_deleting_gives_the_access_back(app, connect, user, simulated):
    credential = connect(app, ARRAKIS).credential

    given_back = credential_operations.delete(credential, actor=user)

    assert given_back
    assert Event.objects.get(action="credential.access_revoked").details["given_back"]
    assert not Credential.objects.exists()
    assert any("revoke" in call["endpoint"] for call in simulated.calls("hubspot"))
