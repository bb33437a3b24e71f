"""What is kept in another form is shown so, and what may be a mistake is asked about."""

import json
from urllib.parse import urlsplit

import pytest
from django.test import Client

from sequin_admin.connect import links
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.syncs.models import Target
from tests.conftest import confirm_login
from tests.edit_forms import submit
from tests.factories import PEM, make_credential, sample_properties

SPACED = "begins or ends with white space, which is kept."
CHAMP = {"kind": "checkout_champ_password", "login_id": "user1", "password": " hush "}
SHOP = {"kind": "shopify_oauth2", "shop": "SHOP-001.myshopify.com", "access_token": "shpat_1"}


@pytest.fixture
def owner(user):
    client = Client()
    client.force_login(user)
    return confirm_login(client)


@pytest.fixture(autouse=True)
def _nobody_answers(settings):
    """No provider is called."""
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


def test_a_bulk_answer_says_so_by_row(api):
    rows = [{"properties": properties} for properties in (CHAMP, SHOP)]

    answer = api.post("/v1/credentials/bulk", {"credentials": rows, "dry_run": True}).json()

    assert answer["data"][0]["notice"].startswith(f"Password {SPACED}")
    assert answer["data"][1]["notice"] == "Shop is kept as shop-001.myshopify.com."
    assert "hush" not in json.dumps(answer)


def test_an_import_says_so_and_another_way_to_write_it_is_the_same_account(api):
    first = api.post("/v1/credentials", {"properties": {**SHOP, "shop": "shop-001"}})
    again = api.post("/v1/credentials", {"properties": SHOP})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["notice"].endswith("Shop is kept as shop-001.myshopify.com.")
    assert again.json()["properties"]["shop"] == "shop-001.myshopify.com"


def test_a_form_says_so(owner):
    kind = kinds.get("checkout_champ_password")
    address = f"/credentials/new/{kind.slug}/"

    page = owner.post(address, {**CHAMP, "login_id": "\ufeffuser1"}, follow=True)

    assert page.status_code == 200
    assert f"Password {SPACED}" in page.content.decode()
    assert "Login ID is kept as user1." in page.content.decode()
    stored = Credential.objects.get()
    assert (stored.properties["login_id"], stored.secrets["password"]) == ("user1", " hush ")


def test_a_link_says_so(organization, user):
    link = links.create(organization, [kinds.get("checkout_champ_password")], actor=user)
    customer = Client()
    customer.get(urlsplit(links.address(link)).path, follow=True)

    page = customer.post(f"/link/{link.pk}/checkout_champ_password/", CHAMP, follow=True)

    assert f"Password {SPACED}" in page.content.decode()
    assert Credential.objects.get().secrets["password"] == " hush "


def test_the_form_of_an_oauth_app_says_so(owner):
    form = {
        **{"name": "Ours", "client_id": "1", "client_secret": "hush", "app_id": "1"},
        **{"slug": "https://github.com/apps/arrakis-sync", "private_key": PEM.replace("\n", "\\n")},
    }

    page = owner.post("/oauth-apps/new/github/", form, follow=True).content.decode()

    assert "Slug is kept as arrakis-sync." in page
    assert "Private key is kept as PKCS #8 in PEM" in page
    assert PEM[30:60] not in page


def test_the_password_of_a_target_is_kept_to_the_byte(api):
    place = {"host": "db.arrakis.test", "database": "spice", "username": "sequin"}
    target = {"name": " Warehouse ", "connection": {**place, "password": " spice "}}

    made = api.post("/v1/targets/postgres", target).json()
    renamed = api.patch(f"/v1/targets/postgres/{made['id']}", {"name": "Lake"}).json()

    assert made["notice"].startswith(f"The password {SPACED}")
    assert "notice" not in renamed
    assert made["name"] == "Warehouse"
    assert Target.objects.get().secrets["password"] == " spice "
    blank = {"name": "x", "connection": {**place, "password": "   "}}
    assert api.post("/v1/targets/postgres", blank).status_code == 422


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"name": "a", "name": "b"}', "`name` comes twice in one object."),
        ('{"metadata": {"Secret 1": 1, "Secret 1": 2}}', "A name comes twice in one object."),
        (
            '{"metadata": {"n": 9007199254740993}}',
            "The JSON holds a whole number that many readers",
        ),
        ('{"metadata": {"n": -12345678901234567890}}', "The JSON holds a whole number"),
        ('{"metadata": {"n": 12345678901234567.0}}', "The JSON holds a whole number"),
    ],
)
def test_json_that_two_readers_understand_differently_is_refused(api, organization, body, said):
    one = make_credential(organization, "stripe_key")

    answer = api.client.patch(f"/v1/credentials/{one.pk}", body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["summary"].startswith(said)
    one.refresh_from_db()
    assert one.metadata == {}


@pytest.mark.parametrize("number", ["9007199254740992", "1.5", "0.1", "1e3", "-0.0"])
def test_other_numbers_stay_what_they_are(api, organization, number):
    one = make_credential(organization, "stripe_key")
    body = f'{{"metadata": {{"n": {number}}}}}'

    answer = api.client.patch(f"/v1/credentials/{one.pk}", body, content_type="application/json")

    assert answer.json()["metadata"]["n"] == json.loads(number)


def test_metadata_of_a_form_is_read_alike(owner, organization):
    one = make_credential(organization, "checkout_champ_password")
    form = {"login_id": "sample_login_id", "metadata": '{"n": 1, "n": 2}'}

    page = owner.post(f"/credentials/{one.pk}/edit/", form)

    assert page.status_code == 422
    assert "comes twice in one object" in page.content.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"plan": "pro",\r\n "since" 2020}', "Line 2, column 10 is not valid JSON. Look there"),
        ("{'plan': 'pro'}", "Line 1, column 2 is not valid JSON. Look there"),
        ("plan: pro", "Line 1, column 1 is not valid JSON. Look there"),
        ('["pro"]', "Metadata is a JSON object, such as"),
        ('{"n": NaN}', "The JSON holds what can&#x27;t be stored: NUL"),
        ('{"n": "\\ud800"}', "The JSON holds what can&#x27;t be stored: NUL"),
        ('{"n": ' + "[" * 9000 + "]" * 9000 + "}", "The JSON is nested too deeply. Flatten it."),
    ],
)
def test_a_mistake_in_metadata_is_a_sentence(owner, organization, text, said):
    one = make_credential(organization, "checkout_champ_password")

    page = owner.post(f"/credentials/{one.pk}/edit/", {"login_id": "x", "metadata": text})

    assert page.status_code == 422
    assert said in page.content.decode()


@pytest.mark.parametrize("unseen", ["\ufeff", "\u200b\u2060 ", "\u00ad\u00a0\u200e"])
def test_a_name_that_nobody_would_see_is_none(owner, api, organization, unseen):
    one = make_credential(organization, "checkout_champ_password")
    path = f"/credentials/{one.pk}/edit/"
    form = {"login_id": one.properties["login_id"], "display_name": f"{unseen}Spice{unseen}"}

    by_api = api.post("/v1/credentials", {"properties": CHAMP, "name": unseen})
    target = api.post("/v1/targets/postgres", {"name": unseen, "connection": {}})
    submit(owner, path, form)
    place = owner.post("/targets/new/", {"name": unseen})
    key = owner.post("/api-keys/new/", {"name": unseen, "scopes": ["read"], "days": "7"})

    one.refresh_from_db()
    assert one.name == "Spice"
    assert by_api.json()["name"] == CHAMP["login_id"]
    assert "name" in target.json()["validation_errors"]
    for page in (place, key):
        assert page.status_code == 422
        assert "This field is required." in page.content.decode()


def test_what_is_kept_is_kept_when_it_is_entered_again():
    """Every normalizer leaves alone what it has made."""
    for kind in kinds.all():
        declared = kind.properties_class
        first = declared.model_validate(sample_properties(kind))
        again = declared.model_validate({"kind": kind.slug, **first.plain_values()})
        assert again.remarks() == []
        assert again.plain_values() == first.plain_values()
