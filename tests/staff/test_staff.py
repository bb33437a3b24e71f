"""The staff admin: every kind, no secrets, audited actions."""

import re

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.apps import apps
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils.text import capfirst

from sequin_admin.access import keys
from sequin_admin.access.models import Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import Event
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health.models import Incident, Outage
from sequin_admin.syncs import streams
from tests.factories import make_credential, make_oauth_app, make_synced

KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)


def test_plurals_are_english():
    plurals = {str(model._meta.verbose_name_plural) for model in apps.get_models()}

    assert [each for each in plurals if re.search("(?:s|ch|sh|x)s$", each)] == []


@pytest.fixture
def staff(client, db):
    user = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")
    client.force_login(user)
    return client


def page_of(kind, name, *args):
    return reverse(f"admin:providers_{kind._meta.model_name}_{name}", args=args)


@KINDS
def test_each_kind_has_a_list_and_a_page_without_secrets(staff, kind, organization):
    stored = make_credential(organization, kind.slug, marker="hush", name="Found here")
    secrets = list(stored.secrets.values())

    listed = staff.get(page_of(kind, "changelist"), {"q": "Found"}).content.decode()
    shown = staff.get(page_of(kind, "change", stored.pk)).content.decode()

    assert "Found here" in listed
    assert not [secret for secret in secrets if secret in listed + shown]


@KINDS
def test_nothing_is_added_changed_or_deleted_here(staff, kind, organization):
    stored = make_credential(organization, kind.slug)

    assert staff.get(page_of(kind, "add")).status_code == 403
    assert staff.post(page_of(kind, "change", stored.pk), {"name": "x"}).status_code == 403
    assert staff.post(page_of(kind, "delete", stored.pk), {"post": "yes"}).status_code == 403


def test_syncs_streams_targets_and_consumers_have_pages_without_secrets(staff, organization):
    credential = make_credential(organization, "stripe_key")
    stream = streams.create(organization, actor=None, slug="prod")
    for row in (stream, *make_synced(credential, stream=stream)):
        name = f"admin:syncs_{row._meta.model_name}"
        listed = staff.get(reverse(f"{name}_changelist"), {"q": str(row)}).content.decode()
        shown = staff.get(reverse(f"{name}_change", args=[row.pk])).content.decode()

        assert str(row) in listed
        assert str(row) in shown
        assert "spice-must-flow" not in listed + shown


def test_api_keys_are_shown_without_what_opens_them(staff, organization):
    key, old = keys.create(
        organization, name="worker", scopes=["read"], networks=["10.0.0.0/8"], actor=None
    )
    key, new = keys.rotate(key, actor=None)

    listed = staff.get(reverse("admin:access_apikey_changelist"), {"q": old[:12]}).content.decode()
    shown = staff.get(reverse("admin:access_apikey_change", args=[key.pk])).content.decode()

    assert "worker" in listed
    assert "Two tokens" in listed
    assert "10.0.0.0/8" in shown
    for hidden in (old, new, key.digest, key.former_digest):
        assert hidden not in listed + shown


@pytest.mark.parametrize("number", [3, 40])
def test_lists_ask_little(staff, organization, django_assert_max_num_queries, number):
    for _ in range(number):
        make_credential(organization, "stripe_key")

    with django_assert_max_num_queries(10):
        staff.get(page_of(kinds.get("stripe_key"), "changelist"))


def test_an_action_asks_for_a_fresh_login(client, organization):
    stored = make_credential(organization, "stripe_key")
    user = User.objects.create_superuser("irulan", "irulan@corrino.test", "spice must flow")
    client.force_login(user)
    session = client.session
    session["login_at"] -= 7200
    session.save()

    asked = client.post(
        page_of(kinds.get("stripe_key"), "changelist"),
        {"action": "disable_selected", "_selected_action": [str(stored.pk)]},
    )

    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert Credential.objects.get().disabled_at is None


def test_who_may_only_look_has_no_actions(client, organization):
    """Not even with a membership that may edit: the permission of the staff admin is asked too."""
    stored, kind = make_credential(organization, "stripe_key"), kinds.get("stripe_key")
    looker = User.objects.create_user(username="fenring", email="f@corrino.test", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_stripekey"))
    Membership.objects.create(organization=organization, user=looker, role=Role.MEMBER)
    client.force_login(looker)

    listed = client.get(page_of(kind, "changelist"))
    client.post(
        page_of(kind, "changelist"),
        {"action": "disable_selected", "_selected_action": [str(stored.pk)]},
    )

    assert listed.status_code == 200
    assert Credential.objects.get().disabled_at is None


def test_second_factors_show_no_secret(staff, user):
    secret = totp.generate_totp_secret()
    factor = totp.TOTP.activate(user, secret).instance
    page = reverse("admin:mfa_authenticator_change", args=[factor.pk])

    shown = staff.get(page).content.decode()

    assert secret not in shown
    assert factor.data["secret"] not in shown
    assert staff.post(page, {"data": "{}"}).status_code == 403


def test_every_other_page_opens(staff, organization):
    make_oauth_app(organization, "hubspot")

    index = staff.get(reverse("admin:index")).content.decode()

    for model in ("audit/event", "access/organization", "credentials/oauthapp", "tokens/token"):
        assert f"/staff/{model}/" in index
        assert staff.get(f"/staff/{model}/").status_code == 200


def test_columns_are_called_as_everywhere(staff, organization):
    """Django would call them "Oauth app" and "Api key"."""
    columns = [each for model in site._registry for each in model._meta.fields]

    found = " ".join(str(capfirst(each.verbose_name)) for each in columns)
    listed = staff.get("/staff/credentials/gatewaysecret/").content.decode()

    assert not re.search(r"\b(oauth|Oauth|api|Api|id|Id|ip|Ip|url|Url)\b", found)
    assert "Oauth" not in listed


def test_owners_who_are_not_staff_stay_out(client, user):
    client.force_login(user)

    assert client.get(reverse("admin:index")).status_code in (302, 403)


def test_strangers_log_in_where_everybody_does(client, db):
    answer = client.get(reverse("admin:index"), follow=True)

    assert "/accounts/login/" in answer.redirect_chain[-1][0]


def test_staff_declares_an_outage_and_clears_it(staff, organization):
    make_credential(organization, "hubspot_oauth2")

    staff.post(reverse("admin:health_outage_add"), {"provider": "hubspot", "message": ""})
    outage = Outage.objects.open().get()
    assert outage.declared_by.email == "irulan@corrino.test"
    assert Incident.objects.get().message == "HubSpot is down. Nothing to do until it is back."

    staff.post(
        reverse("admin:health_outage_changelist"),
        {"action": "clear_selected", "_selected_action": [str(outage.pk)]},
    )
    assert not Outage.objects.open().exists()
    assert Event.objects.filter(action="outage.cleared").count() == 1
