"""What the client takes for granted stands in the API's document."""

import pytest

from sequin_admin.api.urls import api
from sequin_admin.client import bounds


@pytest.fixture(scope="module")
def document():
    return api.get_openapi_schema()


@pytest.fixture(scope="module")
def schemas(document):
    return document["components"]["schemas"]


@pytest.fixture(scope="module")
def filters(document):
    parameters = document["paths"]["/v1/credentials"]["get"]["parameters"]
    return {parameter["name"]: parameter["schema"] for parameter in parameters}


def test_a_page_is_as_large_as_the_api_allows(filters):
    assert filters["limit"]["maximum"] == bounds.LARGEST_PAGE


def test_a_purpose_is_as_long_as_the_api_allows(filters):
    assert filters["purpose"]["maxLength"] == bounds.PURPOSE_CHARS


def test_the_statuses_are_those_of_the_api(schemas):
    assert schemas["Health"]["properties"]["status"]["enum"] == [*bounds.STATUSES]


def test_a_bulk_import_has_as_many_rows_as_the_api_takes(schemas):
    assert schemas["BulkImport"]["properties"]["credentials"]["maxItems"] == bounds.MOST_IMPORTED


def test_permits_are_asked_for_and_released_within_the_bounds(schemas):
    asked, released = schemas["PermitAsk"]["properties"], schemas["Releases"]["properties"]

    assert asked["wait_ms"]["maximum"] == bounds.LONGEST_POLL_S * 1000
    assert asked["releases"]["maxItems"] == bounds.MOST_RELEASES
    assert released["releases"]["maxItems"] == bounds.MOST_RELEASES
