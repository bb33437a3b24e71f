"""The OpenAPI document and its page."""

import pytest
from openapi_spec_validator import validate

from sequin_admin.credentials import kinds
from sequin_admin.notices.notice import TYPES

KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)


@pytest.fixture
def document(client, db):
    return client.get("/v1/openapi.json").json()


def test_the_document_is_valid(document):
    validate(document)


@KINDS
def test_every_kind_is_in_the_union_with_an_example(document, kind):
    properties = document["components"]["schemas"]["CredentialImport"]["properties"]["properties"]
    body = document["paths"]["/v1/credentials"]["post"]["requestBody"]["content"]
    example = body["application/json"]["examples"][kind.slug]["value"]["properties"]

    assert kind.slug in properties["discriminator"]["mapping"]
    assert example["kind"] == kind.slug
    assert set(kind.properties_class.model_json_schema()["required"]) <= set(example)


@KINDS
def test_a_kind_is_described_in_the_words_of_json_schema(document, kind):
    shape = document["components"]["schemas"][kind.properties_class.__name__]

    assert "kind" in shape["required"]
    assert "default" not in shape["properties"]["kind"]
    for name, declared in shape["properties"].items():
        assert not {"match", "filled", "ours", "multiline", "example"} & set(declared)
        if name in kind.properties_class.secret_names():
            text = declared.get("anyOf", [declared])[0]
            assert (text["writeOnly"], text["format"]) == (True, "password")


def test_a_pattern_holds_for_the_whole_value(document):
    secret = document["components"]["schemas"]["StripeKeyProperties"]["properties"]["secret"]

    assert secret["pattern"] == r"^(?:(sk|rk)_(live|test)_\w+)$"


def test_every_event_is_described(document):
    assert set(document["webhooks"]) == set(TYPES)
    assert "EventShape" in document["components"]["schemas"]


def test_the_page_is_served_from_here(client, db):
    page = client.get("/v1/docs").content.decode()

    assert "ninja/swagger-ui-bundle.js" in page
    assert "//cdn" not in page
