"""Access control of every URL of the dashboard."""

import uuid

import pytest
from django.urls import get_resolver, reverse

from sequin_admin.access import invitations
from sequin_admin.access.models import ApiKey, Membership, StaffAccess
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.urls import urlpatterns
from sequin_admin.notifications import channels, outbox
from sequin_admin.notifications.models import ChannelKind
from sequin_admin.syncs import streams
from tests.conftest import confirm_login
from tests.factories import make_credential, make_oauth_app, make_synced
from tests.notified import make_message

NAMES = [pattern.name for pattern in urlpatterns]
# Pages that a viewer may open: all read-only ones.
SHOWS = {
    "overview", "credentials", "credential", "badges", "oauth_apps", "oauth_app",
    "audit", "kinds", "api_keys", "api_key", "members", "worker", "connect_links", "connect_link",
    "incidents", "health",
    "notifications", "channel", "delivery", "to_customers",
    "syncs", "sync", "streams", "stream", "targets", "target", "consumers", "consumer",
    "collections", "usage", "login_confirmed",
}  # fmt: skip
# Every user may switch between their organizations.
OWN_CHOICE = {"switch_organization"}
OF_ONE = {name for name in NAMES if "pk" in next(
    p for p in urlpatterns if p.name == name
).pattern.converters}  # fmt: skip

# URL prefix of the detail pages of each model.
BEFORE = {"health": ["credential"]}


@pytest.fixture
def address(organization, user):
    """The URL of a page with ids of the organization's rows."""
    credential = make_credential(organization, "stripe_key")
    app = make_oauth_app(organization, "hubspot")
    key = ApiKey.objects.create(organization=organization, name="key", digest="x", prefix="sqn")
    connect_session = ConnectSession.objects.create(
        organization=organization, user=user, kind="hubspot_oauth2", failure="No.",
        state_digest="x", session_digest="x", expires_at=clock.now(),
    )  # fmt: skip
    link = links.create(organization, [kinds.get("stripe_key")], actor=user)
    channel = channels.create(
        organization, ChannelKind.WEBHOOK, actor=user, name="hook", address="https://a.test/"
    )
    (delivery,) = outbox.post(organization, make_message())
    owner = Membership.objects.get(user=user)
    invitation, _ = invitations.create(organization, "jessica@arrakis.test", "viewer", actor=user)
    sync, target, consumer = make_synced(credential)
    stream = streams.create(organization, actor=user, slug="prod")
    access = StaffAccess.objects.create(
        organization=organization, user=user, reason="test", expires_at=clock.now()
    )

    def of(name):
        if name in OF_ONE:
            pk = credential.pk
            if name.startswith("sync"):
                pk = sync.pk
            elif name.startswith("staff_access"):
                pk = access.pk
            elif name.startswith("stream"):
                pk = stream.pk
            elif name.startswith("target"):
                pk = target.pk
            elif name.startswith("consumer"):
                pk = consumer.pk
            elif name.startswith("oauth_app"):
                pk = app.pk
            elif name.startswith("api_key"):
                pk = key.pk
            elif name.startswith("member"):
                pk = owner.pk
            elif name.startswith("invitation"):
                pk = invitation.pk
            elif name.startswith("connect_link"):
                pk = link.pk
            elif name.startswith("channel"):
                pk = channel.pk
            elif name.startswith("delivery"):
                pk = delivery.uid
            elif name == "connect_failed":
                pk = connect_session.pk
            return reverse(f"dashboard:{name}", args=[*BEFORE.get(name, ()), pk])
        known = {"add": "stripe_key", "connect": "hubspot_oauth2", "oauth_app_add": "hubspot"}
        known |= {"connect_link_new": "stripe", "channel_add": "webhook"}
        args = [known[name]] if name in known else []
        return reverse(f"dashboard:{name}", args=args)

    return of


def open_door(client, url):
    """GET the page, or POST where only that is allowed."""
    answer = client.get(url)
    return client.post(url) if answer.status_code == 405 else answer


@pytest.mark.parametrize("name", NAMES)
def test_without_login_there_is_the_login_page(client, address, name):
    for method in (client.get, client.post):
        answer = method(address(name))
        assert answer.status_code in (302, 405)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", sorted(OF_ONE))
def test_a_stranger_finds_nothing(client, address, stranger, name):
    client.force_login(stranger)
    confirm_login(client)

    for method in (client.get, client.post):
        assert method(address(name)).status_code in (404, 405)
    assert open_door(client, address(name)).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_a_viewer_may_look_and_not_touch(client, address, viewer, name):
    client.force_login(viewer)

    answer = open_door(client, address(name))

    if name in SHOWS:
        assert answer.status_code in (200, 286)
    elif name not in OWN_CHOICE:
        assert answer.status_code == 403
        assert "Your role here is viewer" in answer.content.decode()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN_CHOICE])
def test_an_owner_gets_in(client, address, user, name):
    client.force_login(user)

    assert open_door(client, address(name)).status_code in (200, 286, 302, 422)


def test_someone_without_an_organization_is_told_so(client, django_user_model, db):
    nobody = django_user_model.objects.create_user(username="nobody", email="nobody@test.test")
    client.force_login(nobody)

    answer = client.get(reverse("dashboard:overview"))

    assert answer.status_code == 403
    assert "not a member of any organization" in answer.content.decode()


@pytest.mark.parametrize("name", sorted(OF_ONE - {"member_role", "member_remove"}))
def test_an_unknown_id_is_404(client, user, name):
    client.force_login(user)
    confirm_login(client)

    url = reverse(f"dashboard:{name}", args=[*BEFORE.get(name, ()), uuid.uuid4()])

    assert open_door(client, url).status_code == 404


def test_every_dashboard_address_was_walked():
    names = {p.name for p in get_resolver("sequin_admin.dashboard.urls").url_patterns}

    assert names == set(NAMES)
