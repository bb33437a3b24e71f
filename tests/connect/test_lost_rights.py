"""Whoever began something and lost the right meanwhile does not finish it."""

import pytest
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import Membership
from sequin_admin.access.policy import Action, Role, still_may
from sequin_admin.access.rights import RightLost
from sequin_admin.audit.models import Event
from sequin_admin.connect import authorization_requests, bulk, flow, links
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink, ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import models as limits
from sequin_admin.limits.models import RateLimit
from sequin_admin.tokens import protocol
from tests.conftest import make_member
from tests.connect_sessions import query_of
from tests.factories import make_credential, sample_properties

BACK = "https://product.test/callback"
HUBSPOT = kinds.get("hubspot_oauth2")


def remove(person):
    Membership.objects.filter(user=person).delete()


def demote(person):
    Membership.objects.filter(user=person).update(role=Role.VIEWER)


def deactivate(person):
    person.is_active = False
    person.save()


LOSSES = [remove, demote, deactivate]


@pytest.fixture
def app(make_app):
    app = make_app("hubspot")
    app.redirect_uris = [BACK]
    app.save()
    return app


@pytest.fixture
def member(organization):
    return make_member(organization, "duncan@arrakis.test", Role.MEMBER)


@pytest.fixture
def back(app, organization, member, simulated):
    """The callback of a connect session that the member started and has allowed."""
    url = flow.start(organization, HUBSPOT, user=member, session_key="browser", oauth_app=app)
    return query_of(simulated.consent(url, account="21902692"))


def finish(back, member):
    return flow.finish(back, user=member, session_key="browser", provider="hubspot")


@pytest.mark.parametrize("lose", LOSSES)
def test_a_right_is_asked_of_the_database(organization, member, lose):
    assert still_may(member, organization, Action.EDIT)
    assert not still_may(member, organization, Action.REVEAL)

    lose(member)

    assert not still_may(member, organization, Action.EDIT)


@pytest.mark.parametrize("lose", LOSSES)
def test_nothing_is_exchanged_for_who_lost_the_right(back, member, monkeypatch, lose):
    lose(member)
    monkeypatch.setattr(protocol, "exchange", lambda *_, **__: pytest.fail("exchanged"))

    with pytest.raises(RightLost, match="may no longer"):
        finish(back, member)

    assert not Credential.objects.exists()
    assert ConnectSession.objects.get().secrets == {}
    assert Event.objects.get(action="credential.connect_denied").actor == member.email


def test_nothing_is_stored_for_who_lost_the_right_during_the_exchange(back, member, monkeypatch):
    exchange = protocol.exchange

    def slow(*args, **kwargs):
        grant = exchange(*args, **kwargs)
        remove(member)
        return grant

    monkeypatch.setattr(protocol, "exchange", slow)

    with pytest.raises(RightLost):
        finish(back, member)

    assert not Credential.objects.exists()


def test_the_callback_page_says_so(client, app, organization, member, simulated):
    client.force_login(member)
    sent = client.post(
        reverse("dashboard:connect", args=["hubspot_oauth2"]), {"oauth_app": str(app.pk)}
    )
    back = simulated.consent(sent["Location"], account="21902692")
    remove(member)

    answer = client.get(back)

    assert answer.status_code == 403
    assert "nothing was stored" in answer.content.decode()
    assert not Credential.objects.exists()


def test_the_failure_page_is_for_who_connected_and_still_may(client, organization, user, member):
    mine = ConnectSession.objects.create(
        organization=organization, user=member, kind="hubspot_oauth2", failure="No.",
        state_digest="x", session_digest="x", expires_at=clock.now(),
    )  # fmt: skip
    address = reverse("dashboard:connect_failed", args=[mine.pk])

    client.force_login(member)
    assert client.get(address).status_code == 200
    client.force_login(user)
    assert client.get(address).status_code == 404
    client.force_login(member)
    demote(member)
    assert client.get(address).status_code == 403


@pytest.fixture
def key(organization, user):
    return keys.create(organization, name="product", scopes=["write"], actor=user)[0]


@pytest.fixture
def started(organization, app, key):
    url = authorization_requests.start(
        organization, HUBSPOT, actor=key, redirect_url=BACK, oauth_app=app
    )
    return url.rpartition("/")[2]


def revoke(key, app):
    keys.revoke(key, actor=None)


def take_scope(key, app):
    keys.update(key, actor=None, scopes=["read"])


def deactivate_maker(key, app):
    deactivate(key.created_by)


def withdraw_address(key, app):
    app.redirect_uris = []
    app.save()


WITHDRAWALS = [revoke, take_scope, deactivate_maker, withdraw_address]


@pytest.mark.parametrize("withdraw", WITHDRAWALS)
def test_a_start_url_ends_with_its_key(started, key, app, withdraw):
    withdraw(key, app)

    with pytest.raises(authorization_requests.RequestClosed, match="may no longer"):
        authorization_requests.claim_request(started, "browser")


@pytest.mark.parametrize("withdraw", WITHDRAWALS)
def test_a_callback_ends_with_the_key(
    started, key, app, organization, simulated, monkeypatch, withdraw
):
    request = authorization_requests.claim_request(started, "browser")
    url = flow.start(
        organization, HUBSPOT, session_key="browser", authorization_request=request, oauth_app=app
    )
    back = query_of(simulated.consent(url, account="21902692"))
    withdraw(key, app)
    monkeypatch.setattr(protocol, "exchange", lambda *_, **__: pytest.fail("exchanged"))

    with pytest.raises(RightLost):
        flow.finish(back, user=None, session_key="browser", provider="hubspot")

    assert "properties" not in AuthorizationRequest.objects.get().secrets


@pytest.mark.parametrize("withdraw", WITHDRAWALS)
def test_a_code_ends_with_the_key(started, key, app, organization, simulated, withdraw):
    request = authorization_requests.claim_request(started, "browser")
    url = flow.start(
        organization, HUBSPOT, session_key="browser", authorization_request=request, oauth_app=app
    )
    back = query_of(simulated.consent(url, account="21902692"))
    session = flow.finish(back, user=None, session_key="browser", provider="hubspot")
    address = authorization_requests.complete_request(session.authorization_request, session)
    withdraw(key, app)

    with pytest.raises(authorization_requests.InvalidCode, match="no longer"):
        authorization_requests.exchange(
            query_of(address)["code"], actor=None, organization=organization
        )

    assert AuthorizationRequest.objects.get().exchanged_at is None


def test_bulk_work_is_done_by_who_still_may(organization, member):
    credential = make_credential(organization, "stripe_key")
    item = bulk.Item(
        kinds.get("sendgrid_key").properties_class(**sample_properties(kinds.get("sendgrid_key")))
    )
    remove(member)

    for work in (
        lambda: bulk.save_credentials(organization, [item], actor=member),
        lambda: links.create_reconnects(organization, [credential], actor=member, batch=None),
        lambda: limits.set_limits(
            [credential],
            Rate(allowed_requests=1, interval=1000, max_concurrent_requests=1),
            actor=member,
        ),
    ):
        with pytest.raises(RightLost):
            work()

    assert list(Credential.objects.all()) == [credential]
    assert not ConnectLink.objects.exists()
    assert not RateLimit.objects.exists()
