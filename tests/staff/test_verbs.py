"""Verbs of staff upon accounts and organizations: each needs a reason and is audited."""

from io import StringIO
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sequin_admin.access import staff
from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import Event
from tests.dashboard.conftest import age_login

REASON = {"reason": "Ticket 12: they asked by phone"}


@pytest.fixture
def root(db):
    return User.objects.create_superuser(username="irulan", email="irulan@corrino.test")


@pytest.fixture
def helper(db):
    """Staff with the permissions of support, without a superuser's rights."""
    helper = User.objects.create_user(username="fenring", email="f@corrino.test", is_staff=True)
    named = ("view_user", "change_user", "view_organization", "change_organization")
    helper.user_permissions.set(Permission.objects.filter(codename__in=named))
    return helper


def do(client, actor, row, verb, **given):
    client.force_login(actor)
    name = f"admin:access_{row._meta.model_name}_verb"
    return client.post(reverse(name, args=[row.pk, verb]), {**REASON, **given})


def written(action, organization=None):
    return Event.objects.get(action=action, organization_id=organization and organization.pk)


def test_staff_lock_an_account_and_open_it_again(client, helper, user, organization):
    assert do(client, helper, user, "deactivate").status_code == 302
    user.refresh_from_db()
    assert not user.is_active
    event = written("user.deactivated", organization)
    assert event.actor == "f@corrino.test"
    assert event.details == {**REASON, "staff": True}

    do(client, helper, user, "activate")
    user.refresh_from_db()
    assert user.is_active
    assert written("user.activated", organization)


def test_no_session_comes_back_with_an_account(client, helper, user):
    theirs = Client()
    theirs.force_login(user)
    assert theirs.get("/credentials/").status_code == 200

    do(client, helper, user, "deactivate")
    do(client, helper, user, "activate")

    assert theirs.get("/credentials/").status_code == 302


def test_second_factors_are_removed_with_a_reason(client, helper, user, organization):
    totp.TOTP.activate(user, totp.generate_totp_secret())

    assert do(client, helper, user, "second-factors", reason=" ").status_code == 422
    assert Authenticator.objects.exists()
    do(client, helper, user, "second-factors")

    assert not Authenticator.objects.exists()
    assert written("user.second_factors_removed", organization).details["types"] == ["totp"]


@pytest.mark.parametrize("verb", ["deactivate", "second-factors", "rights"])
def test_staff_have_no_power_over_superusers_and_themselves(client, helper, root, verb):
    totp.TOTP.activate(root, totp.generate_totp_secret())

    for row in (root, helper):
        answer = do(client, helper, row, verb, is_superuser="on", is_staff="on")

        assert answer.status_code == 403
    helper.refresh_from_db()
    assert not helper.is_superuser
    assert Authenticator.objects.exists()


def test_a_superuser_gives_and_takes_rights(client, root, helper):
    view = Permission.objects.get(codename="view_event")

    do(client, root, helper, "rights", is_superuser="on", is_staff="on", permissions=[view.pk])

    helper.refresh_from_db()
    assert helper.is_superuser
    details = written("user.rights_changed").details
    assert details["before"]["is_superuser"] is False
    assert details["after"]["is_superuser"] is True
    assert details["after"]["permissions"] == ["audit.view_event"]


def test_the_domain_asks_for_a_superuser_again(helper, user):
    rights = {"is_staff": True, "is_superuser": True, "reason": "x"}
    with pytest.raises(staff.StaffRefusal, match="Only a superuser"):
        staff.set_rights(user, actor=helper, **rights)
    # The rights of the actor are those stored now, not those it was loaded with.
    helper.is_superuser = True
    with pytest.raises(staff.StaffRefusal, match="Only a superuser"):
        staff.set_rights(user, actor=helper, **rights)


def test_nobody_changes_their_own_rights(client, root):
    assert do(client, root, root, "rights").status_code == 403
    with pytest.raises(staff.StaffRefusal, match="your own rights"):
        staff.set_rights(root, actor=root, is_staff=True, is_superuser=False, reason="x")


def test_the_command_line_is_audited(db):
    name = {"username": "shaddam", "email": "shaddam@corrino.test"}
    call_command("createsuperuser", interactive=False, stdout=StringIO(), **name)
    assert written("user.superuser_created").target == "shaddam@corrino.test"

    with patch("getpass.getpass", return_value="the imperial house 4"):
        call_command("changepassword", "shaddam", stdout=StringIO())
    assert written("user.password_changed").actor == "Sequin Admin"


def test_staff_change_a_slug(client, helper, organization, stranger):
    assert do(client, helper, organization, "slug", slug="giedi-prime").status_code == 422
    assert do(client, helper, organization, "slug", slug="not a slug").status_code == 422
    do(client, helper, organization, "slug", slug="dune")

    assert Organization.objects.filter(slug="dune").exists()
    assert written("organization.slug_changed", organization).details["before"] == "arrakis"


def test_a_superuser_ends_an_organization_and_lets_it_stay(client, root, helper, organization):
    assert do(client, root, organization, "end", slug="giedi-prime").status_code == 422
    assert do(client, helper, organization, "end", slug="arrakis").status_code == 403
    assert do(client, root, organization, "end", slug="arrakis").status_code == 302

    assert Organization.objects.get().ends_at
    asked = written("organization.end_asked", organization)
    assert asked.details["reason"] == REASON["reason"]

    assert do(client, root, organization, "keep").status_code == 302
    assert Organization.objects.get().ends_at is None


def test_a_verb_asks_for_a_fresh_login_and_keeps_the_fields(client, root, organization):
    root.set_password("spice must flow")
    root.save()
    client.force_login(root)
    page = reverse("admin:access_organization_verb", args=[organization.pk, "slug"])
    assert client.get(page).status_code == 200
    age_login(client)

    asked = client.get(page)
    sent = client.post(page, {**REASON, "slug": "dune"})

    assert asked["Location"] == (f"{reverse('account_reauthenticate')}?{urlencode({'next': page})}")
    assert sent.status_code == 422
    assert REASON["reason"] in sent.content.decode()
    assert "Confirm that it is you" in sent.content.decode()
    assert "dune" not in str(dict(client.session))
    assert Organization.objects.get().slug == "arrakis"

    client.post(reverse("account_reauthenticate"), {"password": "spice must flow"})
    assert client.post(page, {**REASON, "slug": "dune"}).status_code == 302


def test_verbs_are_offered_on_the_page_of_a_row(client, root, helper, organization):
    page = reverse("admin:access_organization_change", args=[organization.pk])
    client.force_login(root)
    offered = client.get(page).content.decode()
    client.force_login(helper)
    fewer = client.get(page).content.decode()

    assert "End the organization" in offered
    assert "End the organization" not in fewer
    assert "Change the slug" in fewer


def test_the_domain_asks_who_changes_a_slug_or_ends(organization):
    clerk = User.objects.create_user(username="clerk", email="clerk@staff.test", is_staff=True)

    with pytest.raises(staff.StaffRefusal, match="You may not change organizations"):
        staff.change_slug(organization, "taken", actor=clerk, reason="x")
    with pytest.raises(staff.StaffRefusal, match="Only a superuser can do this"):
        staff.end_organization(organization, actor=clerk, reason="x")

    organization.refresh_from_db()
    assert organization.slug == "arrakis"
