"""The OpenAPI document and its page."""

import pytest
from openapi_spec_validator import validate

from sequin_admin.credentials import kinds


@pytest.fixture
def document(client, db):
    return client.get("/v1/openapi.json").json()


def test_the_document_is_valid(document):
    validate(document)


@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_every_kind_is_in_the_union(document, kind):
    properties = document["components"]["schemas"]["CredentialImport"]["properties"]["properties"]

    assert kind.slug in properties["discriminator"]["mapping"]


def test_no_kind_is_a_default(document):
    shapes = document["components"]["schemas"]
    for kind in kinds.all():
        shape = shapes[kind.properties_class.__name__]
        assert "kind" in shape["required"]
        assert "default" not in shape["properties"]["kind"]


def test_the_page_is_served_from_here(client, db):
    page = client.get("/v1/docs").content.decode()

    assert "ninja/swagger-ui-bundle.js" in page
    assert "//cdn" not in page
