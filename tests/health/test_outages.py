"""An outage of a provider causes one alert and changes no status."""

from datetime import timedelta

import pytest

from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import outages, probes, rollup
from sequin_admin.health.models import Incident, Outage
from sequin_admin.health.outages import ProviderCounts
from tests.factories import make_credential

DOWN = outcomes.transient("unavailable", "HubSpot has a problem of its own: it answered 503.")
REVOKED = outcomes.customer("invalid_grant", "Access was revoked.", "Connect again.")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def fleet(organization, hours):
    rows = [
        make_credential(organization, "hubspot_oauth2", identity=str(number)) for number in range(4)
    ]
    see(rows, outcomes.works())
    return rows


def see(rows, outcome):
    for row in rows:
        rollup.propagate(probes.record_probe(Credential.objects.get(pk=row.pk), outcome))


def statuses():
    return set(Credential.objects.values_list("health_status", flat=True))


def test_an_outage_is_recognised_told_once_and_flips_nobody(fleet, hours):
    for _ in range(20):
        hours.pass_by(5 * MINUTE)
        see(fleet, DOWN)
        outages.detect_outages()

    assert Outage.objects.get().provider == "hubspot"
    incident = Incident.objects.get()
    assert (incident.status, incident.affected) == ("", 4)
    assert "HubSpot seems to be down. Nothing to do" in incident.message
    assert statuses() == {"healthy"}


def ask(fleet, hours, *, failing):
    """Half an hour of probes at their times: these fail, all others get an answer."""
    for _ in range(15):
        hours.pass_by(2 * MINUTE)
        for row in Credential.objects.check_due():
            see([row], DOWN if row in failing else outcomes.works())
        outages.detect_outages()


@pytest.fixture
def thirteen(organization, hours):
    """Asked a moment ago, and so not due for an hour."""
    rows = [
        make_credential(organization, "hubspot_oauth2", identity=str(number))
        for number in range(13)
    ]
    see(rows, outcomes.works())
    return rows


def test_three_of_thirteen_that_are_asked_more_often_are_no_outage(thirteen, hours):
    hours.pass_by(15 * MINUTE)
    see(thirteen[:3], DOWN)

    ask(thirteen, hours, failing=thirteen[:3])

    assert not Outage.objects.exists()


def test_before_it_judges_it_asks_some_that_worked(thirteen, hours):
    hours.pass_by(15 * MINUTE)
    see(thirteen[:3], DOWN)
    assert not Credential.objects.check_due().exists()

    outages.detect_outages()

    assert not Outage.objects.exists()
    assert set(Credential.objects.check_due()) == set(thirteen[3:])


def test_an_outage_is_recognised_before_all_were_asked(organization, hours):
    rows = [
        make_credential(organization, "hubspot_oauth2", identity=str(number))
        for number in range(40)
    ]
    see(rows, outcomes.works())
    hours.pass_by(15 * MINUTE)
    see(rows[:3], DOWN)
    outages.detect_outages()
    see(Credential.objects.check_due(), DOWN)

    outages.detect_outages()

    assert Outage.objects.open().exists()


def test_those_that_failed_for_long_say_nothing_about_the_others(thirteen, hours):
    """Six are unreachable for good; the other seven are asked every hour."""
    see(thirteen[:6], DOWN)
    hours.pass_by(15 * MINUTE)

    ask(thirteen, hours, failing=thirteen[:6])

    assert not Outage.objects.exists()


def test_disabled_credentials_do_not_count(fleet, hours):
    see(fleet[:3], DOWN)
    Credential.objects.filter(pk=fleet[0].pk).update(disabled_at=hours.now)

    outages.detect_outages()

    assert not Outage.objects.exists()


def test_it_is_over_when_most_get_an_answer_again(fleet, hours):
    see(fleet, DOWN)
    outages.detect_outages()
    hours.pass_by(11 * MINUTE)
    see(fleet, outcomes.works())

    outages.detect_outages()

    assert not Outage.objects.open().exists()
    assert Incident.objects.get().resolution == "HubSpot is back."


def test_patience_begins_anew_when_the_provider_is_back(fleet, hours):
    see(fleet, DOWN)
    outages.detect_outages()
    hours.pass_by(40 * MINUTE)
    see(fleet[1:], outcomes.works())
    outages.detect_outages()

    hours.pass_by(29 * MINUTE)
    see(fleet[:1], DOWN)
    assert statuses() == {"healthy"}

    hours.pass_by(2 * MINUTE)
    see(fleet[:1], DOWN)
    assert statuses() == {"healthy", "sequin_intervention"}


def test_who_met_the_trouble_is_checked_again_when_it_is_over(fleet, hours, staff):
    see(fleet[:2], DOWN)
    outage = outages.declare("hubspot", actor=staff)

    outages.clear(outage, actor=staff)

    assert Credential.objects.check_due().count() == 2


def test_what_staff_declared_only_staff_ends(fleet, hours, staff):
    outage = outages.declare("hubspot", actor=staff)
    see(fleet, outcomes.works())

    outages.detect_outages()
    assert Outage.objects.open().get() == outage

    outages.clear(outage, actor=staff)
    assert not Incident.objects.open().exists()


def test_during_an_outage_a_revoked_grant_is_still_told(fleet, staff):
    outages.declare("hubspot", actor=staff)

    see(fleet[:1], REVOKED)

    assert Incident.objects.filter(status="customer_intervention").count() == 1


def test_it_is_told_to_those_who_use_the_provider(fleet, stranger, staff):
    outages.declare("hubspot", actor=staff)
    outages.declare("linear", actor=staff)

    assert Incident.objects.get().organization == fleet[0].organization


def test_throttling_is_no_outage(fleet):
    see(fleet, outcomes.transient("throttled", "HubSpot asks us to slow down."))

    outages.detect_outages()

    assert not Outage.objects.exists()


@pytest.mark.parametrize(
    ("failing", "answered", "stale", "most"),
    [
        *((3, 0, 0, True), (3, 3, 0, True), (3, 4, 0, False), (200, 201, 0, False)),
        *((300, 100, 0, True), (333, 0, 667, None), (500, 0, 500, True), (10, 600, 400, False)),
        *((0, 0, 0, None), (0, 0, 9, None), (0, 2, 1, False)),
    ],
)
def test_most_fail_only_when_no_one_who_was_not_asked_can_turn_it(failing, answered, stale, most):
    assert ProviderCounts(failing, answered, stale).most_fail is most


def test_those_who_were_asked_because_they_failed_are_no_sample(organization, hours):
    """Readers meet 50 of 150 that fail; nobody else is due within the hour."""
    rows = [
        make_credential(organization, "hubspot_oauth2", identity=str(number))
        for number in range(150)
    ]
    see(rows, outcomes.works())
    hours.pass_by(15 * MINUTE)
    see(rows[:50], DOWN)

    outages.detect_outages()

    due = list(Credential.objects.check_due())
    assert 0 < len(due) <= outages.PANEL
    see([row for row in due if row not in rows[:50]], outcomes.works())
    outages.detect_outages()
    assert not Outage.objects.exists()


@pytest.fixture
def staff(django_user_model, db):
    return django_user_model.objects.create_user(
        username="staff", email="staff@test.test", is_staff=True
    )
