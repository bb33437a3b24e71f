"""One cause is one incident, for all affected rows and after every recurrence."""

from datetime import timedelta

import pytest

from sequin_admin.connect import credential_operations
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import checks, incidents, probes, rollup
from sequin_admin.health.fleet import customer_incidents
from sequin_admin.health.models import Check, Incident, Transition
from tests.factories import make_credential, make_oauth_app

REVOKED = outcomes.customer("invalid_grant", "Access was revoked.", "Connect again.")
REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")
DOWN = outcomes.transient("unavailable", "HubSpot answered 503.")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def app(organization, hours):
    return make_oauth_app(organization, "hubspot")


@pytest.fixture
def fleet(organization, app):
    """Six healthy credentials of one app."""
    rows = [
        make_credential(organization, "hubspot_oauth2", oauth_app=app, identity=str(number))
        for number in range(6)
    ]
    for row in rows:
        see(row, outcomes.works())
    return rows


def see(credential, outcome):
    """Record an outcome as a probe does."""
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    rollup.propagate(probes.record_probe(row, outcome))


def statuses():
    return set(Credential.objects.values_list("health_status", flat=True))


def test_a_broken_app_is_one_incident_and_blocks_every_credential(fleet, app):
    for row in fleet[:3]:
        see(row, REJECTED)

    incident = Incident.objects.get()
    assert (incident.entity, incident.entity_id) == ("oauth_app", app.pk)
    assert (incident.status, incident.affected) == ("sequin_intervention", 6)
    assert statuses() == {"sequin_intervention"}
    notes = set(Credential.objects.values_list("health_note", flat=True))
    assert notes == {f"Blocked by the OAuth app {app}: {REJECTED.sentence}"}


def test_mending_the_app_heals_all_of_them_at_once(fleet, app, hours):
    see(fleet[0], REJECTED)
    hours.pass_by(MINUTE)
    type(app).objects.update(secrets_changed_at=clock.now())
    app.refresh_from_db()

    rollup.propagate(checks.record_checks(app, {"client_authentication": outcomes.works()}))

    assert statuses() == {"healthy"}
    assert Incident.objects.get().mended
    assert Transition.objects.filter(entity="credential", after="healthy").count() == 12


def test_who_is_revoked_while_the_app_is_broken_is_told_after_it_is_mended(fleet, app):
    see(fleet[0], REVOKED)
    see(fleet[1], REJECTED)
    revoked = Credential.objects.get(pk=fleet[0].pk)
    # Its own check decides: mending the app would not end it.
    assert (revoked.health_status, revoked.health_note) == (
        "customer_intervention",
        REVOKED.sentence,
    )
    assert customer_incidents(revoked.organization).count() == 1

    app.refresh_from_db()
    rollup.propagate(checks.record_checks(app, {"client_authentication": outcomes.works()}))

    revoked = Credential.objects.get(health_status="customer_intervention")
    assert revoked.pk == fleet[0].pk
    assert customer_incidents(revoked.organization).count() == 1


def test_one_revoked_grant_is_that_customers_only(fleet, app):
    see(fleet[0], REVOKED)

    assert Incident.objects.get().entity_id == fleet[0].pk
    assert Credential.objects.filter(health_status="healthy").count() == 5
    app.refresh_from_db()
    assert app.health_status == "healthy"


def test_the_same_trouble_seen_again_is_the_same_incident(fleet):
    for _ in range(5):
        see(fleet[0], REVOKED)

    assert Incident.objects.count() == 1


def test_trouble_that_comes_back_within_the_hour_is_the_same_incident(fleet, hours):
    for _ in range(6):
        hours.pass_by(5 * MINUTE)
        see(fleet[0], REVOKED)
        hours.pass_by(5 * MINUTE)
        see(fleet[0], outcomes.works())

    assert Incident.objects.count() == 1


def test_trouble_that_comes_back_much_later_is_another(fleet, hours):
    see(fleet[0], REVOKED)
    hours.pass_by(timedelta(hours=6))
    see(fleet[0], outcomes.works())
    hours.pass_by(incidents.REOPEN_WITHIN)
    see(fleet[0], REVOKED)

    assert Incident.objects.count() == 2
    assert Incident.objects.open().count() == 1


def test_another_kind_of_trouble_is_another_incident(fleet, hours):
    see(fleet[0], outcomes.operator("unreadable", "It does not open.", "Find it.", of_app=False))
    hours.pass_by(MINUTE)

    see(fleet[0], REVOKED)

    now_open = Incident.objects.open().get()
    assert now_open.status == "customer_intervention"
    assert Incident.objects.count() == 2


def test_a_transient_fault_is_no_incident_until_it_lasts(fleet, hours):
    see(fleet[0], DOWN)
    assert not Incident.objects.exists()

    hours.pass_by(31 * MINUTE)
    see(fleet[0], DOWN)

    assert Incident.objects.get().status == "sequin_intervention"


def test_what_is_disabled_is_nobodys_move(fleet, user):
    see(fleet[0], REVOKED)

    credential_operations.disable(Credential.objects.get(pk=fleet[0].pk), actor=user)

    assert Incident.objects.get().resolution == "It was disabled."


def test_what_is_deleted_leaves_its_history_only(fleet, user):
    see(fleet[0], REVOKED)
    pk = fleet[0].pk

    Credential.objects.get(pk=pk).delete()

    assert Incident.objects.get().resolution == "It was deleted."
    assert Transition.objects.filter(entity_id=pk).exists()
    assert not Check.objects.filter(entity_id=pk).exists()


def test_old_history_is_forgotten_and_open_incidents_are_not(fleet, hours):
    see(fleet[0], REVOKED)
    see(fleet[1], REVOKED)
    hours.pass_by(timedelta(hours=3))
    see(fleet[1], outcomes.works())
    hours.pass_by(timedelta(days=90) + MINUTE)

    incidents.prune()

    assert Incident.objects.get().entity_id == fleet[0].pk
    assert not Transition.objects.exists()


def test_a_lack_of_rights_shows_that_the_authentication_works(fleet):
    see(fleet[0], outcomes.customer("MISSING_SCOPES", "A scope is missing.", "Connect again."))

    checks = dict(Check.objects.about(fleet[0]).values_list("check_name", "status"))
    assert checks["authentication"] == "healthy"
    assert checks["scopes"] == "customer_intervention"


def test_who_is_told_to_slow_down_keeps_what_was_known(fleet):
    see(fleet[0], REVOKED)

    see(fleet[0], outcomes.transient("throttled", "HubSpot asks us to slow down."))

    row = Credential.objects.get(pk=fleet[0].pk)
    assert row.health_status == "customer_intervention"
    assert row.health_note == REVOKED.sentence


def test_access_that_ends_soon_is_the_customers(organization, hours):
    ends = (hours.now + timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    row = make_credential(
        organization, "quickbooks_oauth2", properties={"refresh_token_expires_at": ends}
    )
    see(row, outcomes.works())
    assert statuses() == {"healthy"}

    hours.pass_by(timedelta(days=2))
    see(row, outcomes.works())

    assert statuses() == {"customer_intervention"}
    assert "All access to QuickBooks ends on" in Credential.objects.get().health_note


def test_reasons_lead_down_to_the_cause(fleet, app):
    see(fleet[0], REJECTED)
    row = Credential.objects.select_related("oauth_app").get(pk=fleet[1].pk)

    chain = rollup.list_reasons(row)[0].chain()

    assert [(link.entity, link.id) for link in chain] == [("oauth_app", app.pk)]
    assert chain[-1].sentence.endswith(REJECTED.sentence)


def test_who_must_act_is_listed_as_the_credential_says(fleet, app, organization):
    see(fleet[0], REVOKED)

    see(fleet[1], REJECTED)

    [listed] = customer_incidents(organization)
    [told] = Credential.objects.filter(health_status="customer_intervention")
    assert listed.entity_id == told.pk


def test_a_transient_fault_takes_no_known_health_away(organization, hours):
    row = make_credential(organization, "stripe_key", health_status="healthy")

    see(row, DOWN)

    assert statuses() == {"healthy"}
