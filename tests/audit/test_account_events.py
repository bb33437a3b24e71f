"""What is done to an account, its members and its organization is in the log, and from where."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sequin_admin.access import keys, members, organizations, persons
from sequin_admin.access.models import Membership
from sequin_admin.audit.models import Event
from tests.conftest import confirm_login, make_member
from tests.dashboard.test_sign_in_rules import log_in, set_up_app

HERE = {"REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": "Thopter/1"}


def written(action):
    """The events of this kind, whose place is that of `HERE`."""
    events = list(Event.objects.filter(action=action))
    assert {(event.address, event.user_agent) for event in events} <= {("192.0.2.7", "Thopter/1")}
    return events


@pytest.mark.django_db(transaction=True)  # allauth tells of the factor at the commit
def test_a_second_factor_goes_on_and_off_and_is_refused(viewer, organization):
    client = Client(**HERE)
    client.force_login(viewer)
    confirm_login(client)
    set_up_app(client)

    added = {event.details["factor"] for event in written("user.second_factor_added")}
    assert "totp" in added
    other = Client(**HERE)
    other.post(reverse("account_login"), {"login": viewer.email, "password": "spice must flow"})
    other.post(reverse("mfa_authenticate"), {"code": "000000"})
    (refused,) = written("user.second_factor_refused")
    assert str(refused.organization_id) == str(organization.pk)
    confirm_login(client)
    client.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.filter(type="totp").exists()
    removed = {event.details["factor"] for event in written("user.second_factor_removed")}
    assert "totp" in removed


def test_a_password_set_by_a_mailed_link_is_told(viewer, settings):
    client = Client(**HERE)
    client.post(reverse("account_reset_password"), {"email": viewer.email})
    link = re.search(r"https?://[^/]+(/\S+)", mail.outbox[-1].body)[1]
    form = client.get(link, follow=True)
    new = "the spice extends life"

    client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})

    viewer.refresh_from_db()
    assert viewer.check_password(new)
    (event,) = written("user.password_reset")
    assert event.actor == str(viewer)
    # Whoever had a session before has none now.
    assert log_in(viewer) is not None


def test_members_their_roles_and_a_person_who_goes(organization, user):
    make_member(organization, "yueh@arrakis.test", "viewer")
    membership = Membership.objects.get(user__email="yueh@arrakis.test")
    person = membership.user

    members.change_role(membership, "admin", actor=user)
    members.remove(membership, actor=user)
    persons.erase(person, actor=None)

    changed = Event.objects.get(action="member.role_changed")
    assert {"viewer", "admin"} <= set(changed.details.values())
    assert Event.objects.get(action="member.removed").organization_id == organization.pk
    erased = Event.objects.get(action="user.erased")
    assert "yueh" not in json.dumps(erased.details) + erased.actor


def test_an_organization_its_logo_and_its_keys(db):
    call_command("create_organization", "Caladan", owner="leto@caladan.test")
    event = Event.objects.get(action="organization.created")
    organization = event.organization_id and organizations.Organization.objects.get()
    organizations.set_logo(organization, b"png", actor=None)
    organizations.remove_logo(organization, actor=None)
    keys.create(organization, name="k", scopes=["read"], actor=None)

    actions = set(Event.objects.values_list("action", flat=True))
    assert actions >= {
        "organization.logo_changed",
        "organization.logo_removed",
        "api_key.created",
    }
