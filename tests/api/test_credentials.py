"""/v1/credentials: every kind, and error messages."""

import pytest

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import MASK
from tests.factories import make_credential, make_oauth_app, sample_properties

URL = "/v1/credentials"
KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
STRIPE = {"kind": "stripe_key", "name": "Arrakis", "secret": "sk_test_x", "test": True}


@KINDS
def test_every_kind_from_import_to_deletion(api, organization, kind):
    sent = {"properties": sample_properties(kind), "metadata": {"plan": "pro"}}

    made = api.post(URL, sent)
    assert made.status_code == 201, made.content
    one = f"{URL}/{made.json()['id']}"
    assert api.get(one).json() == made.json()
    assert api.patch(one, {"name": "Renamed"}).json()["name"] == "Renamed"
    assert [row["id"] for row in api.get(URL).json()["data"]] == [made.json()["id"]]
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


@KINDS
def test_no_answer_holds_a_secret(api, kind):
    sent = sample_properties(kind)
    secrets = [sent[name] for name in kind.properties_class.secret_names() if name in sent]

    answer = api.post(URL, {"properties": sent})

    assert not [secret for secret in secrets if secret in answer.content.decode()]
    shown = answer.json()["properties"]
    assert all(shown[n] == MASK for n in kind.properties_class.secret_names() if n in shown)


@pytest.mark.parametrize(
    "kind",
    # The account of the other kinds is only known once the provider has answered.
    [kind for kind in kinds.all() if kind.identity_of(sample_properties(kind))],
    ids=lambda kind: kind.slug,
)
def test_importing_the_same_account_again_updates_it(api, kind):
    sent = {"properties": sample_properties(kind)}
    first = api.post(URL, sent)
    second = api.post(URL, sent)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_the_account_of_a_key_is_read_before_it_is_stored(api, simulated):
    properties = {**STRIPE, "secret": "sk_test_arrakis0000000000000001"}

    first = api.post(URL, {"properties": properties})
    second = api.post(URL, {"properties": properties})

    assert first.json()["properties"]["account_id"] == "acct_1Arrakis0000001"
    assert first.json()["health"] == {"status": "healthy"}
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])


def test_the_shape_is_the_specifications(api, organization):
    app = make_oauth_app(organization, "hubspot")
    sent = sample_properties(kinds.get("hubspot_oauth2"))

    answer = api.post(URL, {"properties": sent, "oauth_app_id": str(app.pk)}).json()

    assert set(answer) == {
        "id", "name", "provider", "kind", "properties", "oauth_app_id", "oauth_app", "health",
        "rate_limit", "metadata", "created_at", "updated_at",
    }  # fmt: skip
    assert answer["oauth_app"]["client_secret"] == MASK
    assert set(answer["rate_limit"]) == {"allowed_requests", "interval", "max_concurrent_requests"}
    assert answer["created_at"].endswith("Z")


def test_a_missing_kind_is_a_clear_error(api):
    answer = api.post(URL, {"properties": {"secret": "sk_test_x"}})

    assert answer.status_code == 422
    assert "stripe_key" in answer.json()["validation_errors"]["properties.kind"][0]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"secret": "wrong-secret-value"}, "properties.secret"),
        ({"test": "perhaps"}, "properties.test"),
        ({"colour": "blue"}, "properties.colour"),
        ({"name": None}, "properties.name"),
        ({"name": "  "}, "properties.name"),
    ],
)
def test_bad_input_names_its_field_and_echoes_nothing(api, change, path):
    answer = api.post(URL, {"properties": {**STRIPE, **change}})

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [path]
    assert "wrong-secret-value" not in answer.content.decode()
    assert not Credential.objects.exists()


def test_an_empty_secret_is_refused(api):
    properties = {"kind": "checkout_champ_password", "login_id": "user123", "password": ""}

    answer = api.post(URL, {"properties": properties})

    assert list(answer.json()["validation_errors"]) == ["properties.password"]
    assert not Credential.objects.exists()


def test_a_filter_that_does_not_exist_is_refused_by_name(api):
    assert list(api.get(URL, helth="x").json()["validation_errors"]) == ["helth"]


def test_an_unknown_field_is_refused_by_name(api):
    answer = api.post(URL, {"properties": STRIPE, "nmae": "x"})

    assert list(answer.json()["validation_errors"]) == ["nmae"]


def test_an_oauth_app_of_another_provider_is_refused(api, organization):
    app = make_oauth_app(organization, "airtable")
    sent = sample_properties(kinds.get("hubspot_oauth2"))

    answer = api.post(URL, {"properties": sent, "oauth_app_id": str(app.pk)})

    assert list(answer.json()["validation_errors"]) == ["oauth_app_id"]


def test_the_rate_limit_can_be_set(api, organization):
    one = f"{URL}/{make_credential(organization, 'stripe_key').pk}"
    limit = {"allowed_requests": 7, "interval": 1000, "max_concurrent_requests": 0}

    assert api.patch(one, {"rate_limit": limit}).json()["rate_limit"] == limit
    assert api.get(one).json()["rate_limit"] == limit


def test_a_secret_is_not_replaced_by_patch(api, organization):
    one = f"{URL}/{make_credential(organization, 'stripe_key').pk}"

    answer = api.patch(one, {"properties": STRIPE})

    assert list(answer.json()["validation_errors"]) == ["properties"]


def test_a_verdict_can_be_asked_for(api, organization, simulated):
    properties = {"secret": "sk_test_nobodys000000"}
    credential = make_credential(organization, "stripe_key", properties=properties)

    answer = api.post(f"{URL}/{credential.pk}/verify").json()

    assert answer["status"] == "customer_intervention"
    assert "does not exist" in answer["note"]
    assert answer["checks"][0]["verdict"] == "customer"


def test_the_customers_contact_is_set_and_read_beside_the_credential(api, organization):
    address = f"{URL}/{make_credential(organization, 'stripe_key').pk}/contact"

    assert api.put(address, {"contact_email": "leto@caladan.test"}).status_code == 200
    assert api.get(address).json() == {"contact_email": "leto@caladan.test"}

    assert api.put(address, {"contact_email": "leto@caladan.test\u200b"}).status_code == 200
    assert api.get(address).json() == {"contact_email": "leto@caladan.test"}

    refused = api.put(address, {"contact_email": "nobody"})
    assert refused.status_code == 422
    assert "one mail address" in refused.content.decode()
