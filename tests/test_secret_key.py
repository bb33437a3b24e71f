"""A new `SECRET_KEY`: what depends on it, and what people and programs notice."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse

from sequin_admin.access import addresses
from sequin_admin.access.models import Scope
from sequin_admin.core.env import ROOT
from sequin_admin.credentials.models import Credential, OAuthApp
from tests.conftest import confirm_login
from tests.dashboard.conftest import address
from tests.dashboard.test_edits import open_form
from tests.edit_forms import submit
from tests.factories import make_credential

APP = {"provider": "hubspot", "name": "Ours", "client_id": "id-1", "client_secret": "s3cret-1"}
SECRET = {"kind": "stripe_key", "name": "Spice", "secret": "sk_test_arrakis00000001", "test": True}
OLD, NEW = "the key of this year, of fifty characters or more", "and the one of the next, as long"


@pytest.fixture
def owner(client, user):
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def change_key(settings):
    """Change `SECRET_KEY`; former and coming ones are its fallbacks."""

    def change(key, *fallbacks):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, list(fallbacks)

    change(OLD)
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # no provider answers
    return change


def test_all_of_ours_that_depends_on_it_is_in_one_module():
    modules = Path(ROOT, "sequin_admin").rglob("*.py")
    direct = re.compile(r"settings\.SECRET_KEY|salted_hmac\(|Signer\(\)|signing\.dumps")
    using = {
        str(module.relative_to(ROOT)) for module in modules if direct.search(module.read_text())
    }

    assert using == {"sequin_admin/core/digests.py"}


@pytest.mark.parametrize(("key", "fallback"), [(OLD, NEW), (NEW, OLD)], ids=["last", "first"])
def test_what_a_process_of_either_step_made_the_other_takes(
    owner, api, organization, change_key, key, fallback
):
    change_key(key, fallback)
    form = address("credential_edit", make_credential(organization, "stripe_key").pk)
    sent = open_form(owner, form)
    first = send_app(api)

    change_key(fallback, key)

    assert owner.get(form).status_code == 200, "Signed in."
    assert owner.post(form, sent).status_code == 302, "Nobody else changed it."
    again = send_app(api)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert OAuthApp.objects.count() == 1


def send_app(api):
    return api.call("POST", "/v1/oauth-apps", APP, headers={"Idempotency-Key": "once"})


def test_a_refused_token_is_known_by_the_fingerprint_from_before(
    make_client, organization, change_key
):
    worker = make_client(organization, Scope.SECRETS)
    token = f"/v1/credentials/{make_credential(organization, 'stripe_key').pk}/token"
    known = worker.get(token).json()["fingerprint"]
    change_key(NEW, OLD)

    assert worker.get(token).json()["fingerprint"] != known
    worker.post(f"{token}/refresh", {"fingerprint": known})
    assert Credential.objects.get().checked_at, "It was the token, so the provider is asked."


def test_a_link_that_was_mailed_before_still_works(owner, user, mailoutbox, change_key):
    confirm_login(owner)
    submit(owner, reverse("account_email"), {"email": "muaddib@arrakis.test", "action_add": ""})
    link = re.search(r"/accounts/confirm-email/\S+", mailoutbox[0].body)[0]
    change_key(NEW, OLD)

    owner.post(link)

    assert addresses.has_confirmed(user, "muaddib@arrakis.test")


def test_people_stay_signed_in_without_the_old_key(owner, change_key):
    before = owner.session.session_key
    change_key(NEW)

    assert owner.get(address("credentials")).status_code == 200
    assert owner.session.session_key == before


@pytest.mark.parametrize("path", ["/v1/credentials", "/v1/credentials/bulk"], ids=["one", "many"])
def test_the_same_secret_is_found_until_and_after_the_rotation(api, change_key, path):
    imported(api, path)

    change_key(OLD, NEW)
    imported(api, path)
    change_key(NEW, OLD)
    imported(api, path)
    call_command("rotate_keys")
    change_key(NEW)
    imported(api, path)

    assert Credential.objects.count() == 1


def test_without_the_rotation_the_same_secret_is_not_found(api, change_key):
    """So the test above can fail."""
    imported(api, "/v1/credentials")
    Credential.objects.update(identity=None)
    change_key(NEW)
    imported(api, "/v1/credentials")

    assert Credential.objects.count() == 2


def imported(api, path):
    item = {"properties": SECRET}
    answer = api.post(path, {"credentials": [item]} if path.endswith("bulk") else item)
    assert answer.status_code in (200, 201), answer.content
