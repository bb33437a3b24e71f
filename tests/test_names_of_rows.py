"""A name is one line with single spaces, whoever gave it and through whichever door."""

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.urls import reverse

from sequin_admin.access import organizations
from sequin_admin.access.models import ApiKey, Organization, SavedView, Scope
from sequin_admin.audit.models import Event
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core.names import NameColumn, clean_name
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.notifications.models import Channel
from tests.edit_forms import submit
from tests.factories import make_credential, make_oauth_app

ODD, CLEAN = " House\r\n\tof  \u2028 Arrakis\x1b ", "House of Arrakis"
# Copies of another row's name, and what programs name.
COPIES = {
    "access.OrganizationEnding",
    "access.IdempotencyRecord",
    "core.MetricSum",
    "health.Cause",
    "health.Check",
    "health.Incident",
    "health.Transition",
    "syncs.Collection",
}


def test_a_name_is_one_line():
    assert clean_name(ODD) == CLEAN
    assert clean_name("\ufeff \n\u200b") == ""
    assert clean_name("  House  of Arrakis ") == CLEAN
    # What turns around the text behind it.
    assert clean_name("Arrakis\u202egnp.exe \u2066\u2069") == "Arrakisgnp.exe"
    assert clean_name("Fremen\u200cHaus 👩\u200d🚀") == "Fremen\u200cHaus 👩\u200d🚀"


def test_each_column_of_names_is_of_that_kind():
    ours = [m for m in apps.get_models() if m.__module__.startswith("sequin_admin.")]
    named = {m._meta.label: f for m in ours for f in m._meta.fields if f.name == "name"}
    proxies = {m._meta.label for m in ours if m._meta.proxy}

    plain = {label for label, field in named.items() if not isinstance(field, NameColumn)}
    assert plain - proxies == COPIES & set(named)
    assert len(named) - len(plain) >= 10


def test_pages_clean_it(client, user, organization):
    client.force_login(user)
    assert submit(client, reverse("dashboard:organization"), {"name": ODD}).status_code == 302

    organization.refresh_from_db()
    assert organization.name == CLEAN
    assert Event.objects.get(action="organization.renamed").details["after"] == CLEAN
    # The same name with other blanks is the same name.
    organizations.rename(organization, clean_name(ODD), actor=user)
    assert Event.objects.filter(action="organization.renamed").count() == 1
    client.post(reverse("dashboard:saved_view_new", args=["syncs"]), {"name": ODD, "query": "q=a"})
    assert SavedView.objects.get().name == CLEAN


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/v1/api-keys", {"scopes": ["read"]}, ApiKey),
        ("/v1/connect-links", {"kinds": ["stripe_key"]}, ConnectLink),
        ("/v1/channels", {"kind": "mail", "address": "a@arrakis.test"}, Channel),
    ],
)
def test_the_api_cleans_it(make_client, organization, path, body, model):
    api = make_client(organization, *Scope)
    made = api.post(path, {**body, "name": ODD}).json()

    assert model.objects.filter(name=CLEAN).exists()
    assert api.patch(f"{path}/{made['id']}", {"name": ODD * 2}).json()["name"] == f"{CLEAN} {CLEAN}"
    assert api.patch(f"{path}/{made['id']}", {"name": "x" * 201}).status_code == 422


def test_a_command_cleans_it_and_refuses_one_that_is_too_long(db):
    call_command("create_organization", ODD, owner="a@arrakis.test")

    assert Organization.objects.get().name == CLEAN
    with pytest.raises(CommandError, match="longer than 100 characters"):
        call_command("create_organization", "x" * 101, owner="a@arrakis.test")


def test_what_past_them_comes_is_cleaned_too(organization):
    """What a provider tells, staff and jobs."""
    credential = make_credential(organization, "stripe_key", name=ODD)
    app = make_oauth_app(organization, "hubspot", name=ODD)
    assert (credential.name, app.name) == (CLEAN, CLEAN)

    Credential.objects.update(name=ODD)
    app.name = ODD + "2"
    OAuthApp.objects.bulk_update([app], ["name"])
    Channel.objects.bulk_create([Channel(organization=organization, name=ODD, kind="mail")])

    assert Credential.objects.get().name == CLEAN
    assert OAuthApp.objects.get().name == f"{CLEAN} 2"
    assert Channel.objects.get().name == CLEAN
    assert Credential.objects.filter(name=ODD).exists()
