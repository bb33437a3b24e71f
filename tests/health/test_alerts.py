"""Alerts about incidents: recipients, frequency and wording."""

import json
from datetime import timedelta

import pytest
from django.urls import resolve

from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.health import alerts, cause_alerts, checks, outages, probes, rollup
from sequin_admin.health.models import REOPEN_WITHIN, Incident
from sequin_admin.notifications.message import Message
from sequin_admin.notifications.models import Channel, Delivery
from tests.due_work import notify
from tests.factories import make_credential, make_oauth_app

REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")
REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def channel(organization):
    return Channel.objects.create(
        organization=organization, kind="mail", name="On call", address="ops@arrakis.test"
    )


@pytest.fixture
def credential(organization, hours):
    app = make_oauth_app(organization, "hubspot")
    return make_credential(
        organization,
        "hubspot_oauth2",
        name="Caladan",
        oauth_app=app,
        contact_email="leto@caladan.test",
    )


def see(credential, outcome):
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    rollup.propagate(probes.record_probe(row, outcome))
    notify()


def told(**which):
    return [d.message for d in Delivery.objects.filter(**which).order_by("id")]


def test_a_customers_fault_is_told_to_us_and_to_the_customer(credential, channel):
    see(credential, REVOKED)

    [ours] = told(channel=channel)
    assert ours.title == "Caladan: the customer must act"
    assert ours.text.startswith("HubSpot revoked it. Connect again. It began on ")
    [delivery] = Delivery.objects.filter(channel=None)
    assert delivery.to == "leto@caladan.test"
    assert "Please connect the account again" in delivery.message.customer_text
    link = ConnectLink.objects.get(reconnects=credential)
    assert delivery.secrets["url"].endswith(link.secrets["token"])


def test_our_fault_is_told_to_no_customer(credential, channel):
    see(credential, REJECTED)

    assert [message.severity for message in told()] == ["critical"]
    assert not Delivery.objects.filter(channel=None).exists()
    assert not ConnectLink.objects.exists()


def test_a_customer_without_a_contact_is_not_mailed(credential, channel):
    Credential.objects.update(contact_email="")

    see(credential, REVOKED)

    assert [d.channel for d in Delivery.objects.all()] == [channel]


def test_the_button_leads_to_the_page_about_it(credential, channel, settings):
    see(credential, REVOKED)

    path = told(channel=channel)[0].action_url.removeprefix(settings.PUBLIC_URL)
    assert resolve(path).view_name == "dashboard:cause"


def test_failures_by_turns_for_an_hour_are_told_once(credential, channel, hours):
    for number in range(30):
        see(credential, outcomes.works() if number % 2 else REVOKED)
        hours.pass_by(2 * MINUTE)

    assert len(told(channel=channel)) == 1


def test_what_ends_by_itself_is_told_when_it_has_been_over_for_an_hour(credential, channel, hours):
    see(credential, REVOKED)
    hours.pass_by(2 * REOPEN_WITHIN)
    see(credential, outcomes.works())
    assert cause_alerts.notify_due() == 0

    hours.pass_by(REOPEN_WITHIN)
    assert cause_alerts.notify_due() == 1
    assert cause_alerts.notify_due() == 0

    opened, resolved = told(channel=channel)
    assert (opened.key, opened.severity) == (resolved.key, resolved.severity)
    assert "It works again by itself. It was over on " in resolved.text
    assert "after 2 h." in resolved.text


def test_what_somebody_mended_is_told_as_over_at_once(credential, channel, hours):
    see(credential, REJECTED)
    hours.pass_by(MINUTE)
    OAuthApp.objects.update(secrets_changed_at=clock.now())
    app = OAuthApp.objects.get()
    rollup.propagate(checks.record_checks(app, {"client_authentication": outcomes.works()}))

    assert cause_alerts.notify_due() == 1
    assert "Its secret was replaced." in told(channel=channel)[-1].text


def test_an_outage_is_for_information_only(credential, channel, user):
    outages.declare("hubspot", actor=user)
    notify()
    assert told() == []

    Channel.objects.update(min_severity="info")
    outages.clear(outages.Outage.objects.get(), actor=user)
    notify()
    outages.declare("hubspot", actor=user)
    notify()

    assert [message.title for message in told()][-1:] == ["HubSpot seems to be down: nothing to do"]


def test_what_machines_are_told_has_no_secret(credential, channel):
    see(credential, REVOKED)

    secrets = list(credential.secrets.values())
    text = json.dumps([d.notice for d in Delivery.objects.all()])
    token = ConnectLink.objects.get().secrets["token"]
    assert not [secret for secret in [*secrets, token] if secret in text]
    assert told(channel=channel)[0].data["cause_id"] == str(Incident.objects.get().cause_id)


def test_programs_that_want_to_know_are_told_of_every_change_of_status(credential, channel):
    Channel.objects.update(min_severity="info", event_types=["credential.*"])

    see(credential, outcomes.works())
    see(credential, REJECTED)

    messages = told(channel=channel)
    assert [(n.type, n.data["before"], n.data["status"]) for n in messages] == [
        ("credential.health_changed", "", "healthy"),
        ("credential.health_changed", "healthy", "sequin_intervention"),
    ]


def test_no_message_is_built_that_nobody_gets(credential, organization, hours, monkeypatch):
    """Neither of incidents that open nor of those that are over; customers are told anyway."""
    built, check = [], Message.__post_init__
    monkeypatch.setattr(
        Message, "__post_init__", lambda each: built.append(each.type) or check(each)
    )
    rows = [credential, make_credential(organization, "stripe_key")]

    def come_and_go():
        for row in rows:
            see(row, REVOKED)
        for row in rows:
            see(row, outcomes.works())
        hours.pass_by(REOPEN_WITHIN + MINUTE)
        alerts.notify_resolved()
        return [type_ for type_ in built if type_.startswith("incident.")]

    assert come_and_go() == ["incident.opened"]
    built.clear()
    Channel.objects.create(organization=organization, kind="webhook", name="Hook")
    assert come_and_go() == ["incident.opened"] * 2 + ["incident.resolved"] * 2
