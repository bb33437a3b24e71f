"""Causes: which incidents are one, who is told of them, and what people do about them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import cause_alerts, causes, incidents, probes, rollup
from sequin_admin.health.models import Cause, Incident, subject_columns
from sequin_admin.health.status import Reason, Status
from sequin_admin.notifications.models import Channel, Delivery
from tests.due_work import notify
from tests.factories import make_credential, make_oauth_app

REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")
FORBIDDEN = outcomes.customer("forbidden", "HubSpot forbids it.", "Grant the scopes.")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def channel(organization):
    return Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )


@pytest.fixture
def webhook(organization):
    return Channel.objects.create(
        organization=organization,
        kind="webhook",
        name="Hook",
        address="https://hooks.arrakis.test/",
        event_types=["incident.*"],
        min_severity="info",
    )


@pytest.fixture
def fleet(organization, hours):
    app = make_oauth_app(organization, "hubspot")
    return [
        make_credential(organization, "hubspot_oauth2", oauth_app=app, identity=str(number))
        for number in range(12)
    ]


def see(rows, outcome):
    for row in rows:
        found = Credential.objects.select_related("oauth_app").get(pk=row.pk)
        rollup.propagate(probes.record_probe(found, outcome))


def trouble(row, code="invalid_grant", status=Status.CUSTOMER):
    return Reason(status, row.entity, row.pk, str(row), clock.now(), "It is refused.", code)


def told(channel):
    return [row.message for row in Delivery.objects.filter(channel=channel).order_by("id")]


def test_many_of_one_fault_are_one_cause_and_one_mail(fleet, channel, webhook):
    see(fleet, REVOKED)
    notify()

    cause = Cause.objects.get()
    assert (cause.provider, cause.code, cause.status, cause.entity) == (
        *("hubspot", "invalid_grant", "customer_intervention", "credential"),
    )
    assert (cause.open_incidents, cause.total_incidents) == (12, 12)
    [mail] = told(channel)
    assert mail.type == "cause.opened"
    assert mail.title == "HubSpot refuses 12 accounts: customers must act"
    # Programs that count incidents get each, and its cause.
    events = told(webhook)
    assert [event.type for event in events] == ["incident.opened"] * 12
    assert {event.data["cause_id"] for event in events} == {str(cause.pk)}


def test_the_customers_are_still_told_one_by_one(fleet, channel):
    Credential.objects.update(contact_email="paul@customer.test")

    see(fleet, REVOKED)

    assert Delivery.objects.filter(to="paul@customer.test").count() == 12


def test_another_code_party_provider_or_owner_is_another_cause(fleet, organization):
    stranger = Organization.objects.create(name="Other", slug="other")
    other = make_credential(stranger, "hubspot_oauth2", identity="99")
    see([*fleet[:2], other], REVOKED)
    see([fleet[2]], FORBIDDEN)
    see([fleet[3]], outcomes.operator("forbidden", "Ours.", "Mend it.", of_app=False))
    see([make_credential(organization, "stripe_key")], REVOKED)

    assert Cause.objects.count() == 5


def test_who_joins_began_within_an_hour_of_another_and_two_of_the_first(fleet, hours):
    for number in range(3):
        see([fleet[number]], REVOKED)
        hours.pass_by(50 * MINUTE)
    assert Cause.objects.count() == 1

    see([fleet[3]], REVOKED)
    hours.pass_by(61 * MINUTE)
    see([fleet[4]], REVOKED)

    assert [cause.total_incidents for cause in Cause.objects.order_by("opened_at")] == [3, 1, 1]
    assert Cause.objects.open().count() == 3


def test_it_ends_with_its_last_incident(fleet, hours):
    see(fleet[:3], REVOKED)
    hours.pass_by(2 * MINUTE)
    see(fleet[:2], outcomes.works())
    assert Cause.objects.get().open_incidents == 1

    fleet[2].delete()

    cause = Cause.objects.get()
    assert (cause.open_incidents, cause.resolved_at) == (0, hours.now)


def test_what_comes_back_rejoins_its_cause_and_is_not_told_again(fleet, channel, hours):
    see(fleet[:2], REVOKED)
    notify()
    hours.pass_by(5 * MINUTE)
    see(fleet[:2], outcomes.works())
    assert not Cause.objects.open().exists()

    for outcome in (REVOKED, outcomes.works(), REVOKED, outcomes.works(), REVOKED):
        hours.pass_by(5 * MINUTE)
        see(fleet[:2], outcome)
        notify()

    cause = Cause.objects.get()
    assert (cause.open_incidents, cause.total_incidents, cause.resolved_at) == (2, 2, None)
    assert [mail.type for mail in told(channel)] == ["cause.opened"]


def test_the_end_is_told_once_when_all_is_steady(fleet, channel, hours):
    see(fleet[:3], REVOKED)
    notify()
    hours.pass_by(3 * 60 * MINUTE)
    see(fleet[:2], outcomes.works())
    fleet[2].delete()
    notify()
    assert len(told(channel)) == 1

    hours.pass_by(incidents.REOPEN_WITHIN)
    notify()
    notify()

    [_, over] = told(channel)
    assert over.title == "HubSpot refused 3 accounts: resolved"
    assert over.text.startswith("It works again by itself (2 of them). It was deleted (1 of them).")


def test_growth_is_told_once_and_only_when_it_is_tenfold(fleet, channel):
    see(fleet[:1], REVOKED)
    notify()
    see(fleet[1:9], REVOKED)
    notify()
    assert len(told(channel)) == 1

    see(fleet[9:], REVOKED)
    notify()
    notify()

    assert [mail.title for mail in told(channel)][1:] == [
        "HubSpot refuses 12 accounts now: customers must act"
    ]


def test_what_is_over_before_it_is_told_is_told_to_nobody(fleet, channel, hours):
    see(fleet, REVOKED)
    assert cause_alerts.notify_due() == 0
    see(fleet, outcomes.works())
    hours.pass_by(incidents.REOPEN_WITHIN)

    assert cause_alerts.notify_due() == 0


def test_a_fault_that_becomes_another_changes_its_cause(fleet):
    see(fleet[:2], REVOKED)
    see(fleet[:1], outcomes.customer("uninstalled", "It was uninstalled.", "Install it."))
    assert sorted(Cause.objects.open().values_list("code", "open_incidents")) == [
        *(("invalid_grant", 1), ("uninstalled", 1)),
    ]

    see(fleet[:1], REVOKED)

    assert Cause.objects.open().get().open_incidents == 2


def test_an_app_is_one_incident_of_one_cause_whose_affected_are_its_credentials(fleet):
    see(fleet[:2], outcomes.operator("invalid_client", "HubSpot rejects our app.", "Replace it."))

    cause = Cause.objects.get()
    assert (cause.entity, cause.open_incidents, cause.affected) == ("oauth_app", 1, 12)


def test_a_batch_takes_as_many_statements_as_one(organization, hours):
    rows = [make_credential(organization, "hubspot_oauth2", identity=str(n)) for n in range(40)]
    Channel.objects.create(
        organization=organization, kind="webhook", name="Hook", address="https://hooks.test/"
    )
    counts = []
    for batch in (rows[:1], rows[1:]):
        with CaptureQueriesContext(connection) as statements:
            incidents.update_incidents([(row, trouble(row)) for row in batch], at=hours.now)
        counts.append(len(statements))

    assert Cause.objects.get().open_incidents == 40
    # The first creates the cause.
    assert counts[1] <= counts[0]


def test_incidents_of_an_earlier_version_are_grouped_and_not_told_again(fleet, channel, hours):
    for row in fleet[:3]:
        Incident.objects.create(
            **subject_columns(row),
            status="customer_intervention",
            code="invalid_grant",
            opened_at=hours.now,
            told_at=hours.now,
        )

    assert causes.group_orphans() == 3
    notify()

    assert Cause.objects.get().open_incidents == 3
    assert told(channel) == []


def test_wrong_counts_are_corrected(fleet, hours):
    see(fleet, REVOKED)
    Cause.objects.update(open_incidents=3, affected=7)

    assert causes.recount() == 1

    assert (Cause.objects.get().open_incidents, Cause.objects.get().affected) == (12, 0)

    Incident.objects.update(resolved_at=hours.now)
    assert causes.recount() == 1
    assert (Cause.objects.get().open_incidents, Cause.objects.get().resolved_at) == (0, hours.now)
