"""Before something stops or is gone, its page says what that reaches, and undo is offered after."""

import html
import re
from datetime import timedelta

import pytest
from django.utils.html import strip_tags

from sequin_admin.access import keys
from sequin_admin.access.models import Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.credentials import gateway_secrets
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.reach.endings import ending_organization
from sequin_admin.notifications.models import Channel, Delivery
from sequin_admin.syncs import syncs
from sequin_admin.syncs.models import Stream, Sync
from tests.dashboard.conftest import address
from tests.factories import make_credential, make_oauth_app, make_synced


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", name="Arrakis")


@pytest.fixture
def world(credential):
    return make_synced(credential)


@pytest.fixture
def ask(owner):
    """The words of the page that asks, in one line."""

    def get(name, pk):
        return words(owner.get(address(name, pk)))

    return get


def words(answer):
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", html.unescape(strip_tags(main))).strip().replace(" ,", ",")


def test_what_is_used_is_not_deleted_and_says_by_whom(owner, ask, organization, world):
    sync, target, _ = world
    stream = Stream.objects.create(organization=organization, slug="prod")
    Sync.objects.filter(pk=sync.pk).update(stream=stream)
    app = make_oauth_app(organization, "hubspot")
    make_credential(organization, "hubspot_oauth2", name="Sietch", oauth_app=app)

    for name, row, by_whom in (
        ("target_delete", target, "1 consumer needs it: To the warehouse"),
        ("sync_delete", sync, "1 consumer needs it: To the warehouse"),
        ("credential_delete", sync.credential, "1 sync needs it: Invoices"),
        ("stream_delete", stream, "1 sync needs it: Invoices"),
        ("oauth_app_delete", app, "1 credential needs it: Sietch"),
    ):
        asked = owner.get(address(name, row.pk))
        refused = owner.post(address(name, row.pk), {"name": str(row)})

        assert (asked.status_code, refused.status_code) == (200, 409)
        for answer in (asked, refused):
            assert by_whom in words(answer)
            assert "btn-danger" not in answer.content.decode()
        assert type(row).objects.filter(pk=row.pk).exists()


def test_whoever_is_named_has_a_link(owner, credential, world):
    sync, *_ = world

    page = owner.get(address("credential_delete", credential.pk)).content.decode()

    assert f'<a href="{address("sync", sync.pk)}">Invoices</a>' in page


def test_the_first_of_many_are_named(ask, credential):
    for number in range(7):
        syncs.create(credential, actor=None, name=f"Invoices {number}")

    asked = ask("credential_delete", credential.pk)

    named = ", ".join(f"Invoices {number}" for number in range(5))
    assert f"7 syncs need it: {named} and 2 more" in asked


def test_disabling_says_what_stops_and_can_be_undone(owner, ask, credential, world):
    sync, *_ = world
    asked = ask("disable", credential.pk)
    assert "1 sync reads nothing: Invoices" in asked
    assert "1 consumer gets nothing of these: To the warehouse" in asked
    assert "Its secrets, properties, limits and history." in asked

    done = owner.post(address("disable", credential.pk), follow=True).content.decode()

    assert Credential.objects.get().disabled_at
    undo = address("enable", credential.pk)
    assert re.search(rf'<form method="post" action="{undo}">\s*<input [^>]*csrf', done)
    owner.post(undo)
    assert Credential.objects.get().disabled_at is None
    # What is disabled already is not named.
    syncs.set_status(sync, "disabled", actor=None)
    assert "reads nothing" not in ask("disable", credential.pk)


def test_a_disabled_sync_and_channel_can_be_undone(owner, ask, organization, world):
    sync, *_ = world
    channel = Channel.objects.create(
        organization=organization, kind="mail", name="Mail", address="stilgar@sietch.test"
    )
    assert "1 consumer gets nothing of it: To the warehouse" in ask("sync_disable", sync.pk)

    for name, row in (("sync", sync), ("channel", channel)):
        done = owner.post(address(f"{name}_disable", row.pk), follow=True).content.decode()
        assert f'action="{address(f"{name}_enable", row.pk)}"' in done


def test_a_deleted_credential_takes_its_open_links_along(ask, organization, user):
    row = make_credential(organization, "stripe_key", name="Arrakis")
    links.create_reconnect(organization, row, actor=user)

    asked = ask("credential_delete", row.pk)

    assert "1 connect link leads nowhere any more" in asked
    assert "Our access to it is given back where Stripe takes it." in asked


def test_another_account_is_what_the_syncs_read_from_then_on(ask, organization):
    app = make_oauth_app(organization, "hubspot")
    row = make_credential(organization, "hubspot_oauth2", name="Sietch", oauth_app=app)
    syncs.create(row, actor=None, name="Contacts")

    assert "1 sync reads from the other account: Contacts" in ask("replace_account", row.pk)


def test_a_consumer_says_what_it_no_longer_writes(ask, world):
    _, target, consumer = world

    asked = ask("consumer_delete", consumer.pk)

    assert f"1 sync is not written to {target} by it: Invoices" in asked
    assert f"What is in {target}, and the syncs." in asked


def test_a_published_badge_ends_with_its_sync(ask, credential):
    sync = syncs.create(credential, actor=None, name="Invoices")
    assert "badge" not in ask("sync_delete", sync.pk)
    syncs.publish_badge(sync, actor=None)

    asked = ask("sync_delete", sync.pk)

    assert "The published badge: its address leads nowhere." in asked
    assert "1 credential stays as it is: Arrakis" in asked


def test_a_key_says_when_it_was_used_last(ask, organization, user):
    key, _ = keys.create(organization, name="sync engine", scopes=["read"], actor=user)
    assert "It was never used." in ask("api_key_revoke", key.pk)
    key.last_used_at = clock.now()
    key.save()

    assert "It was used last on" in ask("api_key_revoke", key.pk)
    assert "Its name, permissions, networks and expiry." in ask("api_key_rotate", key.pk)


def test_withdrawing_a_link_says_whom_it_leaves(ask, organization, user, credential):
    link = links.create_reconnect(organization, credential, actor=user)

    asked = ask("connect_link_revoke", link.pk)

    assert "whoever opens it reads that it was withdrawn" in asked
    assert "1 credential stays as it is: Arrakis" in asked
    assert "Withdraw the connect link for Arrakis" in asked


def test_a_link_that_is_over_is_not_asked_about(owner, organization, user, credential):
    link = links.create_reconnect(organization, credential, actor=user)
    links.revoke(link, actor=user)

    page = owner.get(address("connect_link_revoke", link.pk), follow=True)

    assert "was over already" in words(page)


def test_a_secret_of_an_app_says_whose_renewals_go_on_with_it(ask, organization):
    app = make_oauth_app(organization, "hubspot")
    make_credential(organization, "hubspot_oauth2", name="Sietch", oauth_app=app)
    assert "1 credential is renewed with the new one from now on: Sietch" in ask(
        "oauth_app_secret", app.pk
    )
    assert "What stops" not in ask("oauth_app_gateway_secret", app.pk)
    gateway_secrets.rotate(app, actor=None)

    asked = ask("oauth_app_gateway_secret", app.pk)

    assert "1 credential stays connected: Sietch" in asked
    assert "Make a new gateway secret" in asked


def test_a_new_client_secret_replaces_the_one_that_is_stored(owner, organization):
    app = make_oauth_app(organization, "hubspot")
    url = address("oauth_app_secret", app.pk)
    seen = re.search(r'name="seen" value="([^"]*)"', owner.get(url).content.decode())[1]

    empty = owner.post(url, {"seen": seen, "client_secret": ""})
    saved = owner.post(url, {"seen": seen, "client_secret": "spice"})

    assert (empty.status_code, saved.status_code) == (422, 302)
    stored = OAuthApp.objects.get(pk=app.pk)
    assert stored.secrets["client_secret"] == "spice"
    assert (stored.client_id, stored.properties) == (app.client_id, app.properties)


def test_what_a_member_made_goes_on_and_is_named(ask, organization):
    chani = User.objects.create_user("chani@sietch.test")
    membership = Membership.objects.create(organization=organization, user=chani, role=Role.ADMIN)
    keys.create(organization, name="sync engine", scopes=["read"], actor=chani)

    asked = ask("member_remove", membership.pk)

    assert "1 API key goes on working: API key sync engine" in asked
    assert f"Their access to {organization}, at once, on all their devices." in asked


def test_a_channel_says_how_many_messages_are_lost(ask, organization):
    channel = Channel.objects.create(
        organization=organization, kind="mail", name="Mail", address="stilgar@sietch.test"
    )
    Delivery.objects.bulk_create(
        Delivery(
            organization=organization,
            channel=channel,
            type="test",
            severity="info",
            ordering_key=str(number),
            notice={},
            next_try_at=clock.now() + timedelta(hours=1),
        )
        for number in range(2)
    )

    for name in ("channel_disable", "channel_delete"):
        assert "2 messages that wait are not sent at all." in ask(name, channel.pk)


def test_the_end_of_an_organization_counts_what_is_erased(
    organization, user, world, stranger, django_assert_max_num_queries
):
    """Nothing of others, no link that is over, and no sort that it has none of."""
    make_credential(organization, "stripe_key", identity="other")
    (theirs,) = stranger.organizations.all()
    make_synced(make_credential(theirs, "stripe_key"))
    kind = type(Credential.objects.of(organization).first())
    over, _ = [links.create(organization, [kind], actor=user, name=name) for name in "ab"]
    links.revoke(over, actor=user)

    with django_assert_max_num_queries(2):
        said = ending_organization(organization).stops

    counts = [line for line in said if re.match(r"\d", str(line))]
    assert counts == [
        "2 credentials at Stripe",
        *("1 sync", "1 consumer", "1 target", "1 membership", "1 open connect link"),
    ]
