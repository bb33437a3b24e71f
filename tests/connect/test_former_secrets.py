"""Secrets that were replaced: kept for a while, never shown, put back in one step."""

from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.access import configuration, former_secrets
from sequin_admin.access.configuration import KeptSecrets
from sequin_admin.audit.models import Event
from sequin_admin.connect import bulk, credential_operations
from sequin_admin.core import keyring
from sequin_admin.credentials import kinds, oauth_apps
from sequin_admin.credentials.models import (
    Credential,
    FormerAppSecrets,
    FormerCredentialSecrets,
    OAuthApp,
)
from sequin_admin.syncs import targets
from sequin_admin.syncs.models import FormerTargetSecrets, Target
from tests.conftest import confirm_login
from tests.factories import make_credential, make_oauth_app, make_synced, sample_properties

pytestmark = pytest.mark.django_db
LOGIN = "checkout_champ_password"


def entered(password, **more):
    kind = kinds.get(LOGIN)
    values = {**sample_properties(kind), "password": password, **more}
    return kind.properties_class.model_validate(values)


@pytest.fixture
def login(organization):
    return make_credential(organization, LOGIN)


def replace(login, password, actor=None):
    login = Credential.objects.get(pk=login.pk)
    return credential_operations.replace_secrets(login, entered(password), actor=actor)


def kept(owner, model=FormerCredentialSecrets):
    return list(former_secrets.list_former(model, owner))


def test_a_wrong_paste_is_undone_in_one_step(client, login, user, settings):
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    before = login.secrets["password"]
    replace(login, "a wrong one", actor=user)
    (former,) = kept(login)
    client.force_login(user)
    confirm_login(client)
    page = client.get(reverse("dashboard:credential", args=[login.pk])).content.decode()
    assert "Put back" in page
    assert before not in page
    assert former.replaced_by == user.email

    client.post(reverse("dashboard:former_credential", args=[former.pk]))
    again = client.post(reverse("dashboard:former_credential", args=[former.pk]))

    login = Credential.objects.get(pk=login.pk)
    assert login.secrets["password"] == before
    assert again.status_code == 404
    (other,) = kept(login)
    assert FormerCredentialSecrets.objects.get(pk=other.pk).secrets["password"] == "a wrong one"
    told = Event.objects.about(login).filter(action="credential.secrets_put_back").get()
    assert (told.actor, told.details["changed"]) == (user.email, former.names)


def test_the_last_three_are_kept_for_thirty_days(login):
    for number in range(5):
        replace(login, f"number {number}")
    rows = FormerCredentialSecrets.objects.order_by("-replaced_at")
    assert [row.secrets["password"] for row in rows] == ["number 3", "number 2", "number 1"]

    FormerCredentialSecrets.objects.filter(pk=rows[2].pk).update(
        replaced_at=configuration.KEPT.since() - timedelta(seconds=1)
    )

    assert len(kept(login)) == 2
    with pytest.raises(former_secrets.NotPutBack):
        credential_operations.put_back(login, rows[2].pk, actor=None)
    assert former_secrets.prune() == 1


def test_none_is_kept_when_that_is_switched_off(login, monkeypatch):
    replace(login, "first")
    monkeypatch.setattr(configuration, "KEPT", KeptSecrets(most=0, days=0))

    replace(login, "second")

    assert kept(login) == []
    assert former_secrets.prune() == 1


def test_every_door_keeps_them_and_no_token_is_kept(organization, login, user):
    item = bulk.Item(properties=entered("by an import"))
    bulk.upsert_rows(organization, [item], actor=user)
    credential_operations.save_credential(organization, entered("once more"), actor=user)
    assert len(kept(login)) == 2

    app = make_oauth_app(organization, "hubspot")
    hub = make_credential(organization, "hubspot_oauth2", oauth_app=app)
    values = {**sample_properties(type(hub)), "refresh_token": "another"}
    declared = hub.properties_class.model_validate(values)
    credential_operations.replace_secrets(hub, declared, actor=user)
    assert Credential.objects.get(pk=hub.pk).secrets["refresh_token"] == "another"
    assert kept(hub) == []


def test_apps_and_targets_go_back_as_well(organization, user, login):
    app = make_oauth_app(organization, "hubspot")
    before = app.secrets["client_secret"]
    declared = app.properties_class.model_validate({"client_secret": "wrong"})
    oauth_apps.update(app, actor=user, properties=declared)
    oauth_apps.put_back(app, kept(app, FormerAppSecrets)[0].pk, actor=user)
    assert OAuthApp.objects.get().secrets["client_secret"] == before
    assert len(kept(app, FormerAppSecrets)) == 1

    target = make_synced(login)[1]
    before = target.secrets["password"]
    targets.update(target, actor=user, password="wrong")
    targets.update(target, actor=user, password="elsewhere", host="other.arrakis.test")
    other, first = kept(target, FormerTargetSecrets)
    for former in (other, first):
        with pytest.raises(former_secrets.NotPutBack, match="another host"):
            targets.put_back(target, former.pk, actor=user)
    targets.update(target, actor=user, password="x", host="db.arrakis.test")
    targets.put_back(target, first.pk, actor=user)
    assert Target.objects.get().secrets["password"] == before
    for row, action in ((app, "oauth_app.secrets_put_back"), (target, "target.password_put_back")):
        assert Event.objects.about(row).get(action=action).actor == user.email


def test_they_rotate_and_go_with_the_credential(login, organization, stranger, api):
    replace(login, "another")
    (former,) = kept(login)
    columns = {column.model for column in keyring.encrypted_columns()}
    assert {FormerCredentialSecrets, FormerAppSecrets, FormerTargetSecrets} <= columns
    listed = api.get(f"/v1/credentials/{login.pk}/former-secrets").json()["data"]
    assert [row["names"] for row in listed] == [["password"]]
    other = make_credential(stranger.organizations.get(), LOGIN)
    path = f"/v1/credentials/{other.pk}/former-secrets/{former.pk}/put-back"
    assert api.post(path).status_code == 404
    path = f"/v1/credentials/{login.pk}/former-secrets/{former.pk}/put-back"
    assert api.post(path).status_code == 200
    assert api.post(path).status_code == 409

    credential_operations.delete(Credential.objects.get(pk=login.pk), actor=None)

    assert not FormerCredentialSecrets.objects.exists()
