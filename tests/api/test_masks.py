"""A mask is never a secret: it keeps the stored one, and is refused where none is stored."""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.core import http
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import MASK, is_mask
from sequin_admin.syncs.models import Target
from tests.connect.test_entered import known
from tests.dashboard.conftest import address
from tests.edit_forms import submit
from tests.factories import extras_of, make_credential, make_oauth_app, sample_properties

ONE = "/v1/credentials"
BULK = f"{ONE}/bulk"
TARGETS = "/v1/targets/postgres"
WITH_SECRETS = [kind for kind in kinds.all() if kind.properties_class.secret_names()]
APPS = [provider for provider in kinds.providers() if kinds.oauth_of(provider)]
PASSWORD = "spice-must-flow-0123456789"
PLACE = {
    "host": "db.arrakis.test",
    "port": 5432,
    "database": "spice",
    "username": "sequin",
    "password": PASSWORD,
}


@pytest.fixture
def nobody_is_asked(monkeypatch):
    monkeypatch.setattr(http, "request", lambda *args, **kwargs: pytest.fail("a provider asked"))


@pytest.fixture
def owner(client, user):
    client.force_login(user)
    return client


def masked(kind):
    secrets = kind.properties_class.secret_names()
    return {**sample_properties(kind), **dict.fromkeys(secrets, MASK)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((MASK, True), ("s***", True), ("X***", True), ("abcd...wxyz", True)),
        *(("**********", False), ("************", False), ("***", False), ("sk***", False)),
        *(("abcd..wxyz", False), ("abcde...wxyz", False), ("s3cret", False), ("", False)),
    ],
)
def test_exactly_our_masks_are_masks(text, expected):
    assert is_mask(text) is expected


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_what_was_read_can_be_posted(api, organization, nobody_is_asked, kind, bulk):
    credential = known(organization, kind)
    before = dict(credential.secrets)
    shown = api.get(f"{ONE}/{credential.pk}").json()
    body = {n: shown[n] for n in ("name", "properties", "oauth_app_id", "metadata")}

    answer = api.post(BULK, {"credentials": [body]}) if bulk else api.post(ONE, body)

    assert answer.status_code == 200, answer.content
    stored = Credential.objects.get()
    assert dict(stored.secrets) == before
    assert stored.updated_at == credential.updated_at


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("kind", WITH_SECRETS, ids=lambda kind: kind.slug)
def test_a_mask_is_no_secret_of_a_new_account(api, nobody_is_asked, kind, dry_run):
    names = kind.properties_class.secret_names()

    one = api.post(ONE, {"properties": masked(kind)})
    many = api.post(BULK, {"credentials": [{"properties": masked(kind)}], "dry_run": dry_run})

    assert (one.status_code, many.status_code) == (422, 422)
    assert set(one.json()["validation_errors"]) == {f"properties.{name}" for name in names}
    assert set(many.json()["validation_errors"]) == {
        f"credentials.0.properties.{name}" for name in names
    }
    assert not Credential.objects.exists()


@pytest.mark.parametrize("kind", [k for k in kinds.all() if k.has_form()], ids=lambda k: k.slug)
def test_a_page_takes_no_mask_for_a_new_account(owner, nobody_is_asked, kind):
    sent = {n: str(v) for n, v in masked(kind).items() if v is not False}

    answer = owner.post(address("add", kind.slug), sent)

    assert answer.status_code == 422
    for name in kind.properties_class.secret_names():
        assert "This is a mask" in answer.context["form"].errors[name][0]
    assert not Credential.objects.exists()


@pytest.mark.parametrize("kind", [k for k in kinds.all() if k.has_form()], ids=lambda k: k.slug)
def test_secrets_replaced_by_masks_are_kept(api, organization, nobody_is_asked, kind):
    credential = known(organization, kind)
    before = dict(credential.secrets)
    body = {"properties": credential.masked_properties()}

    answer = api.post(f"{ONE}/{credential.pk}/secrets", body)

    assert answer.status_code == 200, answer.content
    assert dict(Credential.objects.get().secrets) == before


@pytest.mark.parametrize("mask", [MASK, "s***", "sk_t...cret"])
def test_each_mask_keeps_the_secret(api, owner, organization, nobody_is_asked, mask):
    credential = known(organization, kinds.get("stripe_key"))
    before = dict(credential.secrets)
    properties = {**credential.masked_properties(), "secret": mask}

    by_api = api.post(ONE, {"properties": properties})
    by_page = submit(
        owner,
        address("credential_edit", credential.pk),
        {"name": "sample_name", "test": "on", "secret": mask, "display_name": "Renamed"},
    )

    assert by_api.status_code == 200, by_api.content
    assert by_page.status_code == 302
    stored = Credential.objects.get()
    assert (dict(stored.secrets), stored.name) == (before, "Renamed")


def test_the_mask_of_another_secret_is_refused(api, owner, organization, nobody_is_asked):
    credential = known(organization, kinds.get("stripe_key"))
    properties = {**credential.masked_properties(), "secret": "sk_l...0001"}

    by_api = api.post(ONE, {"properties": properties})
    by_page = submit(
        owner,
        address("credential_edit", credential.pk),
        {"name": "sample_name", "test": "on", "secret": "sk_l...0001"},
    )

    assert by_api.status_code == by_page.status_code == 422
    assert "not the mask of the stored" in str(by_api.json()["validation_errors"])


def test_a_masked_secret_is_not_sent_to_another_host(api, organization, nobody_is_asked):
    credential = known(organization, kinds.get("salesforce_oauth2"))
    before = dict(credential.properties)
    properties = {
        **credential.masked_properties(),
        "instance_url": "https://evil.my.salesforce.com",
    }

    answer = api.post(ONE, {"properties": properties})

    assert answer.status_code == 422, answer.content
    assert list(answer.json()["validation_errors"]) == ["properties.refresh_token"]
    assert Credential.objects.get().properties == before


def test_a_property_that_contradicts_the_kept_secret_is_refused(api, organization):
    credential = make_credential(organization, "stripe_key")
    properties = {**credential.masked_properties(), "test": False}

    answer = api.post(f"{ONE}/{credential.pk}/secrets", {"properties": properties})

    assert answer.status_code == 422
    assert "test key" in str(answer.json()["validation_errors"]["properties.test"])


def test_the_mask_of_a_sync_s_credential_names_its_place(make_client, organization):
    api = make_client(organization)
    sent = {
        "provider": "stripe",
        "name": "Invoices",
        "collection_ids": ["stripe:invoice"],
        "sync_frequency": "continuous",
        "credential": {"properties": masked(kinds.get("stripe_key"))},
    }

    answer = api.post("/v1/syncs", sent)

    assert answer.status_code == 422, answer.content
    assert "credential.properties.secret" in answer.json()["validation_errors"]
    assert not Credential.objects.exists()


@pytest.mark.parametrize("provider", APPS)
def test_an_oauth_app_keeps_what_is_masked(api, owner, organization, provider):
    app = make_oauth_app(organization, provider)
    before, one = dict(app.secrets), f"/v1/oauth-apps/{app.pk}"
    shown = api.get(one).json()
    hidden = {name: MASK for name in app.secrets if name != "client_secret"}
    properties = {**shown["properties"], **hidden}

    by_api = api.patch(one, {"client_secret": shown["client_secret"], "properties": properties})
    texts = {name: str(value) for name, value in app.properties.items()}
    by_page = submit(
        owner,
        address("oauth_app_edit", app.pk),
        {**texts, **hidden, "client_secret": MASK, "name": "Renamed"},
    )

    assert by_api.status_code == 200, by_api.content
    assert by_page.status_code == 302, by_page.context["form"].errors
    stored = OAuthApp.objects.get()
    assert (dict(stored.secrets), stored.name) == (before, "Renamed")
    assert stored.secrets_changed_at == app.secrets_changed_at


@pytest.mark.parametrize("provider", APPS)
def test_a_new_oauth_app_takes_no_mask(api, owner, provider):
    declared = kinds.oauth_of(provider).app
    more = {n: v for n, v in extras_of(declared).items() if n not in ("kind", "client_secret")}
    hidden = {n: MASK for n in declared.secret_names() if n != "client_secret"}
    sent = {"provider": provider, "name": "Ours", "client_id": "id", "client_secret": MASK}

    by_api = api.post("/v1/oauth-apps", {**sent, "properties": {**more, **hidden}})
    texts = {n: str(v) for n, v in {**more, **hidden}.items()}
    by_page = owner.post(address("oauth_app_add", provider), {**sent, **texts})

    assert by_api.status_code == by_page.status_code == 422
    assert set(by_api.json()["validation_errors"]) == {
        "client_secret",
        *(f"properties.{name}" for name in hidden),
    }
    assert not OAuthApp.objects.exists()


@pytest.fixture
def operator(make_client, organization):
    return make_client(organization, Scope.READ, Scope.WRITE, Scope.SECRETS)


def test_a_target_keeps_its_masked_password(operator, owner, organization):
    made = operator.post(TARGETS, {"name": "Lake", "connection": PLACE}).json()
    one = f"{TARGETS}/{made['id']}"
    assert made["connection"]["password"] == "spic...6789"

    for mask in (made["connection"]["password"], MASK):
        answer = operator.patch(one, {"connection": {**PLACE, "password": mask}, "name": mask})
        assert answer.status_code == 200, answer.content
    page = {**PLACE, "password": "spic...6789", "name": "Renamed", "ssl_mode": "prefer"}
    assert submit(owner, address("target_edit", made["id"]), page).status_code == 302

    target = Target.objects.get()
    assert (target.secrets["password"], target.name) == (PASSWORD, "Renamed")


def test_a_target_takes_no_other_mask(operator, owner, organization):
    made = operator.post(TARGETS, {"name": "Lake", "connection": PLACE}).json()
    one, place = f"{TARGETS}/{made['id']}", {**PLACE, "password": "abcd...wxyz"}

    other = operator.patch(one, {"connection": place})
    moved = operator.patch(one, {"connection": {"host": "evil.test", "password": MASK}})
    new = operator.post(TARGETS, {"name": "Sea", "connection": place})
    page = {**PLACE, "password": MASK, "name": "Sea", "ssl_mode": "prefer"}

    for answer in (other, moved, new):
        assert answer.status_code == 422
        assert list(answer.json()["validation_errors"]) == ["connection.password"]
    assert owner.post(address("target_new"), page).status_code == 422
    target = Target.objects.get()
    assert (target.secrets["password"], target.host) == (PASSWORD, PLACE["host"])
