"""`STAFF_NETWORKS`: from where the staff admin opens, and staff look into organizations."""

from datetime import timedelta

import pytest
from django.test import Client

from sequin_admin.access import staff_access
from sequin_admin.access.models import User
from sequin_admin.audit.models import Event
from tests.conftest import make_member

INSIDE, OUTSIDE = {"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": "198.51.100.1"}


@pytest.fixture
def staff(db, settings):
    settings.STAFF_NETWORKS = ["192.0.2.0/24", "2001:db8::/32"]
    person = User.objects.create_superuser("ix", "ix@sequin.test", "x", is_staff=True)
    client = Client()
    client.force_login(person)
    client.person = person
    return client


@pytest.mark.parametrize("path", ["/staff/", "/staff/login/", "/staff/access/user/", "/staff/no"])
def test_it_opens_from_there_alone(staff, path):
    assert staff.get(path, **INSIDE).status_code != 403
    refused = staff.get(path, **OUTSIDE)

    assert refused.status_code == 403
    assert "does not open from 198.51.100.1" in refused.content.decode()
    event = Event.objects.get(action="staff.network_refused")
    assert (event.actor, event.address) == (str(staff.person), "198.51.100.1")
    # A header of the caller's own does not help, and nobody unknown fills the log.
    forged = {**OUTSIDE, "HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    assert staff.get(path, **forged).status_code == 403
    assert Client().get(path, **OUTSIDE).status_code == 403
    assert Client().post(path, {"username": "ix"}, **OUTSIDE).status_code == 403
    assert Event.objects.filter(action="staff.network_refused").count() == 1


def test_a_look_into_an_organization_ends_at_its_border(staff, organization):
    make_member(organization, "owner@arrakis.test", "owner")
    hour = timedelta(hours=1)
    staff_access.open_access(organization, actor=staff.person, reason="x", duration=hour)

    assert staff.get("/credentials/", **INSIDE).status_code == 200
    assert staff.get("/credentials/", **OUTSIDE).status_code == 403
    assert staff.get("/credentials/", **INSIDE).status_code == 200


def test_without_it_and_for_people_of_organizations_nothing_changes(staff, viewer, settings):
    member = Client()
    member.force_login(viewer)
    assert member.get("/credentials/", **OUTSIDE).status_code == 200

    settings.STAFF_NETWORKS = []

    assert staff.get("/staff/", **OUTSIDE).status_code == 200
