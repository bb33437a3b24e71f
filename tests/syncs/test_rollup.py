"""A sync's status is that of its parts, and names the one at fault."""

import pytest

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import checks, probes, rollup
from sequin_admin.health.models import Incident
from sequin_admin.syncs import consumers, reports, syncs
from sequin_admin.syncs.models import Consumer, Sync, Target
from tests.factories import make_credential, make_oauth_app, make_synced

REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")
REJECTED = outcomes.operator("invalid_client", "HubSpot rejects our OAuth app.", "Replace it.")
REFUSED = outcomes.customer("bad_password", "The database refuses the password.", "Enter it.")
WORKS = outcomes.works()


@pytest.fixture
def credential(organization):
    app = make_oauth_app(organization, "hubspot", name="Ornithopter")
    row = make_credential(organization, "hubspot_oauth2", oauth_app=app, name="Caladan")
    see(row, WORKS)
    return row


@pytest.fixture
def synced(credential):
    return make_synced(Credential.objects.get(pk=credential.pk))


def see(credential, outcome):
    row = Credential.objects.select_related("oauth_app").get(pk=credential.pk)
    rollup.propagate(probes.record_probe(row, outcome))


def tried(outcome):
    target = Target.objects.get()
    rollup.propagate(checks.record_checks(target, {"connection": outcome}))


def status():
    return Sync.objects.get().health_status


def chain():
    return [(r.entity, r.name) for r in rollup.list_reasons(Sync.objects.get())[0].chain()]


def test_a_new_sync_fares_as_its_credential(synced):
    assert status() == "healthy"


def test_a_revoked_grant_is_passed_on_with_the_reason(synced, credential):
    see(credential, REVOKED)

    sync = Sync.objects.get()
    assert sync.health_status == "customer_intervention"
    assert sync.health_note == f"Blocked by the credential Caladan: {REVOKED.sentence}"
    assert Incident.objects.get().affected == 1


def test_the_chain_goes_down_to_the_oauth_app(synced, credential):
    see(credential, REJECTED)

    assert status() == "sequin_intervention"
    assert chain() == [("credential", "Caladan"), ("oauth_app", "Ornithopter")]
    note = Sync.objects.get().health_note
    assert note == f"Blocked by the OAuth app Ornithopter: {REJECTED.sentence}"


def test_a_target_that_refuses_us_blocks_what_is_written_there(synced):
    tried(WORKS)
    tried(REFUSED)

    assert Consumer.objects.get().health_status == "customer_intervention"
    assert status() == "customer_intervention"
    assert chain() == [("consumer", "To the warehouse"), ("target", "Warehouse")]
    incident = Incident.objects.get()
    assert (incident.entity, incident.affected) == ("target", 1)


def test_all_is_well_again_when_the_cause_is_gone(synced, credential):
    see(credential, REJECTED)
    tried(REFUSED)

    app = Credential.objects.select_related("oauth_app").get().oauth_app
    rollup.propagate(checks.record_checks(app, {"client_authentication": WORKS}))
    assert status() == "customer_intervention"
    tried(WORKS)

    assert status() == "healthy"
    assert not Incident.objects.open().exists()


def test_a_consumer_of_all_syncs_passes_its_trouble_to_each(credential, organization):
    row = Credential.objects.get()
    for number in range(3):
        syncs.create(row, actor=None, name=f"Sync {number}")
    _, _, consumer = make_synced(row)
    consumers.update(consumer, actor=None, all_syncs=True)

    tried(REFUSED)

    assert set(Sync.objects.values_list("health_status", flat=True)) == {"customer_intervention"}
    assert Incident.objects.get().affected == 4


def test_an_inactive_consumer_blocks_nothing(synced):
    tried(REFUSED)

    consumers.update(Consumer.objects.get(), actor=None, active=False)

    assert status() == "healthy"


def test_a_deleted_consumer_blocks_nothing(synced):
    tried(REFUSED)

    consumers.delete(Consumer.objects.get(), actor=None)

    assert status() == "healthy"


def test_a_disabled_sync_is_nobodys_move(synced):
    reports.record_report(
        Sync.objects.get(), trouble=reports.ReportedError("operator", "bug", "It crashes.")
    )
    assert Incident.objects.open().get().entity == "sync"

    syncs.set_status(Sync.objects.get(), "disabled", actor=None)

    assert not Incident.objects.open().exists()


def test_what_a_worker_reports_is_the_syncs_own_trouble(synced):
    sync = Sync.objects.get()

    reports.record_report(
        sync, trouble=reports.ReportedError("operator", "bug", "The worker crashes.")
    )
    assert chain() == [("sync", "Invoices")]
    reports.record_report(sync, rows=10)

    assert status() == "healthy"


def test_many_syncs_of_one_credential_are_weighed_in_few_queries(
    credential, django_assert_max_num_queries
):
    row = Credential.objects.get()
    make_synced(row)
    for number in range(30):
        syncs.create(row, actor=None, name=f"Sync {number}")

    with django_assert_max_num_queries(41):
        see(credential, REVOKED)

    assert Sync.objects.filter(health_status="customer_intervention").count() == 31


def test_what_a_killed_process_did_not_pass_on_is_passed_on_later(synced, credential):
    row = Credential.objects.select_related("oauth_app").get()
    probes.record_probe(row, REVOKED)
    assert status() == "healthy"

    rollup.propagate_recent()

    assert status() == "customer_intervention"
