"""Malformed input and rare states: a message, never a crash."""

import pytest

from sequin_admin.credentials.models import Credential, OAuthApp
from tests.dashboard.conftest import address
from tests.factories import make_credential, make_oauth_app

KEY = {"name": "Arrakis", "secret": "sk_test_arrakis0000000000000001", "test": "on"}
APP = {"name": "Ours", "client_id": "id-1", "client_secret": "s3cret"}


@pytest.mark.parametrize(
    "metadata", ['{"a": NaN}', '{"a": "\\u0000"}', "[" * 50_000, '{"a": "\\ud800"}', "[]", "{"]
)
def test_metadata_that_no_database_takes_is_explained(owner, metadata):
    answer = owner.post(address("add", "stripe_key"), {**KEY, "metadata": metadata})

    assert answer.status_code == 422
    assert not Credential.objects.exists()


@pytest.mark.parametrize(
    "uri", ["http://[", "https://x.test/cb#", "https://", "https://x.test/ /x"]
)
def test_a_broken_redirect_uri_is_explained(owner, uri):
    answer = owner.post(address("oauth_app_add", "hubspot"), {**APP, "redirect_uris": uri})

    assert answer.status_code == 422
    assert not OAuthApp.objects.exists()


@pytest.mark.parametrize("path", ["/credentials/", "/audit/"])
@pytest.mark.parametrize("name", ["q", "actor", "target", "action", "kind", "provider", "health"])
def test_a_search_for_nul_finds_nothing(owner, path, name):
    assert owner.get(path, {name: "a\x00b", "page": "-3", "sort": "\x00"}).status_code == 200


def test_reconnecting_without_an_oauth_app_says_what_is_missing(owner, organization):
    imported = make_credential(organization, "hubspot_oauth2")

    answer = owner.post(address("reconnect", imported.pk), follow=True)

    assert answer.status_code == 200
    assert "has no OAuth app" in answer.content.decode()


def test_a_disabled_credential_is_not_probed(owner, organization, simulated):
    idle = make_credential(organization, "stripe_key")
    owner.post(address("disable", idle.pk))

    answer = owner.post(address("verify", idle.pk), follow=True)

    assert "Enable it first" in answer.content.decode()
    assert Credential.objects.get().checked_at is None


@pytest.mark.parametrize("path", ["/credentials/", "/audit/"])
def test_going_back_restores_the_whole_page(owner, path):
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}

    assert "<html" in owner.get(path, headers=headers).content.decode()


@pytest.mark.parametrize("path", ["/credentials/", "/audit/"])
def test_caches_tell_a_page_from_its_table(owner, path):
    assert "HX-Request" in owner.get(path)["Vary"]


def test_the_connect_page_shows_what_its_app_asks_for(owner, organization):
    make_oauth_app(organization, "hubspot", scopes=["crm.lists.read"])

    page = owner.get(address("connect", "hubspot_oauth2")).content.decode()

    assert "crm.lists.read" in page
    assert "crm.objects.contacts.read" not in page


def test_an_empty_login_host_means_the_usual_one(owner, organization):
    app = make_oauth_app(organization, "salesforce")

    answer = owner.post(
        address("connect", "salesforce_oauth2"), {"oauth_app": app.pk, "login_host": ""}
    )

    assert answer.status_code == 302
    assert "/login.salesforce.com/services/oauth2/authorize?" in answer.url
