"""What will end: the list of it, and who is told, once, however many there are."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access import invitations, keys
from sequin_admin.access.models import ApiKey, Organization, Scope
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import ends, gateway_secrets, kinds, oauth_apps
from sequin_admin.credentials.kinds import ProviderChange
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import end_notices, expiry, provider_changes
from sequin_admin.health.expiry import Expiring, ExpiryFilter
from sequin_admin.health.models import Check, ExpiryNotice
from sequin_admin.notifications.models import Channel, Delivery
from tests.factories import make_credential, make_oauth_app

DAY = timedelta(days=1)


@pytest.fixture
def channel(organization):
    return Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )


def ending(organization, at, slug="servicenow_oauth2", **columns):
    ends_at = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    properties = {"refresh_token_expires_at": ends_at}
    return make_credential(organization, slug, properties=properties, **columns)


def listed(organization, **wanted):
    rows = expiry.rows_ending(organization, ExpiryFilter(**wanted))
    return [expiry.parse_row(row) for row in rows]


def told():
    """Type and title of what was sent to the channel since the last call."""
    rows = Delivery.objects.exclude(channel=None).order_by("id")
    messages = [(row.type, row.notice["title"]) for row in rows]
    rows.delete()
    return messages


@pytest.fixture
def one_of_each(organization, user):
    """One of every sort ends, each a day after the one before. The time at which it was made."""
    now = clock.now()
    ending(organization, now + DAY, name="Arrakis")
    app = make_oauth_app(organization, "hubspot", name="Main app", secret_ends_at=now + 2 * DAY)
    gateway_secrets.rotate(app, actor=user)
    gateway_secrets.rotate(app, actor=user, overlap=3 * DAY)
    key, _ = keys.create(organization, name="worker", scopes=[Scope.READ], actor=user)
    keys.rotate(key, actor=user, overlap=5 * DAY)
    ApiKey.objects.update(expires_at=now + 4 * DAY)
    link = links.create(organization, [kinds.get("stripe_key")], actor=user, lasts=6 * DAY)
    invitations.create(organization, "jessica@arrakis.test", "viewer", actor=user)
    return link, key


def test_every_sort_is_listed_soonest_first(organization, one_of_each):
    link, key = one_of_each

    rows = listed(organization)

    assert [(row.what, row.name, row.provider) for row in rows] == [
        (Expiring.CREDENTIAL, "Arrakis", "servicenow"),
        (Expiring.OAUTH_APP, "Main app", "hubspot"),
        (Expiring.GATEWAY_SECRET, "Main app", "hubspot"),
        (Expiring.API_KEY, "worker", ""),
        (Expiring.FORMER_API_KEY, "worker", ""),
        (Expiring.CONNECT_LINK, "for Stripe", "stripe"),
        (Expiring.INVITATION, "jessica@arrakis.test", ""),
    ]
    assert (rows[3].id, rows[5].id) == (key.pk, link.pk)
    assert all(row.to_do for row in rows)


def test_it_narrows_and_goes_on_after_a_row(organization, one_of_each):
    rows = listed(organization)

    assert listed(organization, what="api_key") == [rows[3]]
    assert listed(organization, provider="hubspot") == rows[1:3]
    assert listed(organization, words=["MAIN", "app"]) == rows[1:3]
    assert listed(organization, until=clock.now() + 2.5 * DAY) == rows[:2]
    assert listed(organization, after=(rows[2].ends_at, rows[2].id)) == rows[3:]
    other = Organization.objects.create(name="Caladan", slug="caladan")
    assert listed(other) == []


@pytest.mark.usefixtures("one_of_each")
def test_what_is_over_or_can_end_nothing_is_not_listed(organization, user):
    Credential.objects.update(disabled_at=clock.now())
    for key in ApiKey.objects.all():
        keys.revoke(key, actor=user)
    links.revoke(ConnectLink.objects.get(), actor=user)
    OAuthApp.objects.update(secret_ends_at=clock.now() - DAY)

    assert [row.what for row in listed(organization)] == [
        Expiring.GATEWAY_SECRET,
        Expiring.INVITATION,
    ]


def test_it_is_one_query_however_many_there_are(organization):
    with CaptureQueriesContext(
        connection,
    ) as few:
        listed(organization)
    for number in range(20):
        ending(organization, clock.now() + number * DAY, identity=str(number))
    with CaptureQueriesContext(connection) as many:
        assert len(listed(organization)) == 19

    assert len(few) == len(many) == 1


def test_a_credentials_end_is_stored_with_what_decides_it(organization):
    row = ending(organization, clock.now() + 50 * DAY)
    before = row.ends_at, row.end_notice_at
    row.properties["refresh_token_expires_at"] = "2035-01-01T00:00:00Z"
    row.save(update_fields=["properties"])

    stored = Credential.objects.get()

    assert stored.ends_at.year == 2035
    assert stored.end_notice_at == stored.ends_at - 30 * DAY
    assert before[1] == before[0] - 30 * DAY


@pytest.mark.parametrize(
    ("life", "left", "step"),
    [
        (None, 31, None),
        (None, 30, 30),
        (None, 6, 7),
        (None, 1, 1),
        (None, 0, None),
        (40, 21, None),
        (40, 20, 30),
        (7, 3.5, 7),
        (1, 0.5, 1),
    ],
)
def test_no_step_comes_before_half_the_life(life, left, step):
    due = ends.step_due(left * DAY, life and life * DAY)

    assert due == (step and step * DAY)


def test_many_that_end_together_are_one_message_and_each_customer_is_mailed(
    organization, channel, hours
):
    def end_soon(numbers):
        for number in numbers:
            ending(
                organization,
                hours.now + 29 * DAY + timedelta(minutes=number),
                name=f"Account {number}",
                identity=str(number),
                contact_email=f"c{number}@customer.test" if number % 7 < 3 else "",
            )
        with CaptureQueriesContext(connection) as queries:
            end_notices.notify_ends()
        return len(queries)

    few = end_soon(range(7))

    (message,) = Delivery.objects.exclude(channel=None)
    assert message.notice["title"].startswith("7 ServiceNow credentials: access ends from ")
    assert "and 2 more" in message.notice["text"]
    assert len(message.notice["data"]["ids"]) == 7
    mails = Delivery.objects.filter(channel=None).order_by("to")
    assert [mail.to for mail in mails] == [f"c{number}@customer.test" for number in range(3)]
    assert all("/link/connect/" in mail.secrets["url"] for mail in mails)
    assert Delivery.objects.count() == 4

    end_notices.notify_ends()
    assert Delivery.objects.count() == 4
    assert end_soon(range(7, 28)) == few


def test_what_is_broken_already_is_not_announced(organization, channel, hours):
    row = ending(organization, hours.now + 20 * DAY)
    Check.objects.create(
        organization=organization,
        entity="credential",
        entity_id=row.pk,
        name="x",
        check_name="authentication",
        status="customer_intervention",
        verdict="customer",
        code="revoked",
    )

    end_notices.notify_ends()

    assert told() == []
    assert Credential.objects.get().end_notice_at == row.ends_at - DAY


def test_a_notice_that_was_posted_is_never_posted_again(organization, channel, hours):
    """Also when whoever loaded the row before writes all of it back."""
    row = ending(organization, hours.now + 20 * DAY)
    end_notices.notify_ends()
    assert len(told()) == 1

    row.save()
    end_notices.notify_ends()

    assert told() == []
    assert ExpiryNotice.objects.get().before == 30 * DAY

    row.properties["refresh_token_expires_at"] = f"{hours.now + 29 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    row.save()
    end_notices.notify_ends()
    assert len(told()) == 1


def test_secrets_and_keys_are_announced_30_7_and_1_days_before(organization, channel, hours, user):
    make_oauth_app(
        organization,
        "hubspot",
        name="Main app",
        secret_ends_at=hours.now + 40 * DAY,
        secrets_changed_at=hours.now - 100 * DAY,
    )
    keys.create(organization, name="worker", scopes=[Scope.READ], actor=user)
    ApiKey.objects.update(expires_at=hours.now + 40 * DAY, created_at=hours.now - 100 * DAY)
    said = {}

    for day in range(41):
        end_notices.notify_ends()
        said |= {40 - day: kinds_said} if (kinds_said := sorted(t for t, _ in told())) else {}
        hours.pass_by(DAY)

    both = ["api_key.ends", "oauth_app.secret_ends"]
    assert said == {30: both, 7: both, 1: both}


def test_links_and_invitations_are_announced_on_their_last_day_in_one_message(
    organization, channel, hours, user
):
    for name in ("Arrakis", "Caladan"):
        links.create(organization, [kinds.get("stripe_key")], actor=None, name=name)
    links.create(organization, [kinds.get("stripe_key")], actor=None, lasts=DAY / 24)
    invitations.create(organization, "jessica@arrakis.test", "viewer", actor=user)
    Delivery.objects.all().delete()
    end_notices.notify_ends()
    assert told() == []

    hours.pass_by(6 * DAY + DAY / 24)
    end_notices.notify_ends()
    end_notices.notify_ends()

    links_told, invitation_told = told()
    assert links_told[0] == "connect_link.ends"
    assert links_told[1].startswith("2 unused connect links end from ")
    assert invitation_told[1].startswith("The invitation of jessica@arrakis.test ends on ")


@pytest.fixture
def change(monkeypatch, hours):
    """A change at Stripe that touches keys named for it."""
    from django.db.models import Q

    known = ProviderChange(
        slug="stripe-test",
        on=(hours.now + 200 * DAY).date(),
        title="Stripe ends something",
        what="Keys end.",
        to_do="Make another.",
        source="A test",
        checked_on=date(2026, 11, 1),
        credentials=Q(name__startswith="Old"),
        apps=Q(),
    )
    monkeypatch.setattr(kinds.get("stripe_key"), "changes", (known,))
    return known


def test_a_change_is_announced_to_those_it_touches(organization, channel, hours, change):
    make_credential(organization, "stripe_key", name="Old key", identity="1")
    make_credential(organization, "stripe_key", name="Other key", identity="2")
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Channel.objects.create(organization=other, kind="mail", name="x", address="x@caladan.test")
    make_credential(other, "stripe_key", name="New key")
    make_credential(other, "stripe_key", name="Old, off", identity="2", disabled_at=clock.now())
    said, severities = {}, []

    for day in range(202):
        provider_changes.notify_changes()
        severities += Delivery.objects.values_list("severity", flat=True)
        said |= {200 - day: messages} if (messages := told()) else {}
        hours.pass_by(DAY)

    # It begins with the day, and `hours` stands somewhere in one.
    assert [round(left, -1) for left in said] == [180, 90, 30, 10, 0]
    assert {len(messages) for messages in said.values()} == {1}
    assert severities == ["warning"] * 3 + ["critical"] * 2
    assert all(
        messages[0][0] == "provider.change_near" and "Stripe ends something" in messages[0][1]
        for messages in said.values()
    )


def test_touched_rows_are_counted_in_three_queries_and_found_by_a_filter(organization, change):
    make_credential(organization, "stripe_key", name="Old key", identity="1")
    make_credential(
        organization, "stripe_key", name="Old too", identity="2", disabled_at=clock.now()
    )
    make_oauth_app(organization, "stripe")

    with CaptureQueriesContext(connection) as queries:
        counted = provider_changes.count_touched(organization)

    (found,) = (each for each in counted if each.change is change)
    assert (found.credentials, found.oauth_apps, len(queries)) == (1, 1, 3)
    assert found.reach == "1 credential and 1 OAuth app"
    rows = Credential.objects.of(organization).matching("change:stripe-test")
    assert sorted(rows.values_list("name", flat=True)) == ["Old key", "Old too"]
    assert OAuthApp.objects.of(organization).matching("change:stripe-test").count() == 1
    assert not Credential.objects.matching("change:unknown").exists()


@pytest.mark.parametrize("slug", ["shopify_oauth2", "linear_oauth2"])
def test_tokens_without_a_refresh_token_are_touched(organization, slug):
    (change,) = kinds.get(slug).changes
    old = make_credential(organization, slug, name="Old", identity="1")
    old.secrets = {"access_token": "shpat_old"}
    old.save()
    renewed = make_credential(organization, slug, name="Renewed", identity="2")
    renewed.secrets = {"access_token": "shpat_new", "refresh_token": "shprt_new"}
    renewed.save()

    assert list(Credential.objects.matching(f"change:{change.slug}")) == [old]


def test_every_fact_has_its_source_and_a_name_of_its_own():
    found = provider_changes.list_changes()

    assert len({each.change.slug for each in found}) == len(found) >= 9
    for each in found:
        change = each.change
        assert change.source
        assert change.to_do
        assert len(change.slug) <= 60
        assert change.checked_on <= clock.now().date()


def test_a_new_secret_has_no_end_until_one_is_entered(organization):
    app = make_oauth_app(organization, "hubspot", secret_ends_at=clock.now() + DAY)
    declared = app.properties_class
    same = declared.model_validate({"client_secret": app.secrets["client_secret"]})
    oauth_apps.update(app, actor=None, properties=same, name="Renamed")
    assert OAuthApp.objects.get().secret_ends_at is not None

    new = declared.model_validate({"client_secret": "another-secret"})
    oauth_apps.update(app, actor=None, properties=new)

    assert OAuthApp.objects.get().secret_ends_at is None


def test_the_stored_facts_that_are_old_are_named(monkeypatch, capsys, hours):
    from django.core.management import call_command

    hours.now = hours.now.replace(year=2026, month=11, day=29)
    call_command("provider_facts")
    assert capsys.readouterr().err == ""

    hours.pass_by(200 * DAY)
    call_command("provider_facts")

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(provider_changes.list_changes())
    assert lines[0].startswith("Warning: ")
