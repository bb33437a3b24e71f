"""The staff admin writes no row that gives power; even a superuser acts through audited verbs."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.urls import reverse

from sequin_admin.access import keys
from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.health.models import Outage

# Staff declares an outage by adding one; `OutageAdmin` calls the audited function.
ADDED_BY_A_VERB = {Outage}


@pytest.fixture
def root(client, db):
    user = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")
    client.force_login(user)
    return user


def page_of(row, name):
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=[row.pk])


def test_no_model_has_a_raw_form(root):
    request = RequestFactory().get("/staff/")
    request.user = root
    writable = {
        model
        for model, entry in admin.site._registry.items()
        if (entry.has_add_permission(request) and model not in ADDED_BY_A_VERB)
        or entry.has_change_permission(request)
        or entry.has_delete_permission(request)
        or entry.get_inline_instances(request)
    }

    assert writable == set()


@pytest.fixture
def rows(organization, user):
    return [
        organization,
        user,
        Membership.objects.get(),
        EmailAddress.objects.create(user=user, email="other@arrakis.test"),
        totp.TOTP.activate(user, totp.generate_totp_secret()).instance,
        Group.objects.create(name="support"),
        keys.create(organization, name="worker", scopes=["read"], actor=user)[0],
    ]


def test_what_gives_power_is_not_written_here(client, root, rows):
    for row in rows:
        before = type(row).objects.filter(pk=row.pk).values().get()
        raw = {"is_superuser": "on", "slug": "taken", "role": "owner", "verified": "on"}

        assert client.post(page_of(row, "change"), raw).status_code == 403, row
        assert client.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403, row
        assert type(row).objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("action", ["make_verified", "delete_selected"])
def test_no_action_of_a_list_writes_them_either(client, root, rows, action):
    address = next(row for row in rows if isinstance(row, EmailAddress))
    listed = reverse("admin:account_emailaddress_changelist")

    client.post(listed, {"action": action, "_selected_action": [address.pk]})

    address.refresh_from_db()
    assert not address.verified


def test_no_superuser_makes_itself_an_owner(client, root, organization):
    inline = {
        "name": "Arrakis", "slug": "arrakis", "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0", "memberships-0-user": root.pk,
        "memberships-0-role": "owner",
    }  # fmt: skip

    client.post(page_of(organization, "change"), inline)
    client.post(reverse("admin:access_membership_add"), {"user": root.pk, "role": "owner"})
    client.post(reverse("admin:access_organization_add"), {**inline, "slug": "new"})

    assert not Membership.objects.filter(user=root).exists()
    assert Organization.objects.count() == 1


def test_passwords_are_not_set_by_staff(client, root, user):
    new = {"usable_password": "true", "password1": "long spice 1", "password2": "long spice 1"}

    client.post(f"/staff/access/user/{user.pk}/password/", {**new, "set-password": "x"})

    user.refresh_from_db()
    assert user.check_password("spice must flow")
    assert client.get("/staff/password_change/")["Location"] == reverse("account_change_password")


def test_hidden_columns_are_not_guessed_by_filters(client, root, rows):
    hidden = [("user", "password"), ("apikey", "digest"), ("membership", "user__password")]
    for model, column in hidden:
        listed = reverse(f"admin:access_{model}_changelist")

        assert client.get(listed, {f"{column}__startswith": "m"}).status_code == 400
