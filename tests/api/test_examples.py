"""Every example of the document is accepted, with the ids of real rows."""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.api.urls import api as declared
from tests.api.schema_values import WORDS, Fed

PATHS = declared.get_openapi_schema()["paths"].items()
SENT = [
    (method.upper(), path, name, example["value"])
    for path, methods in PATHS
    for method, operation in methods.items()
    for name, example in operation.get("requestBody", {})
    .get("content", {})
    .get("application/json", {})
    .get("examples", {})
    .items()
]
NOBODY_ANSWERS = (409, 503)


@pytest.fixture
def full(make_client, organization):
    return make_client(organization, *Scope)


@pytest.mark.parametrize(("method", "path", "name", "body"), SENT)
def test_every_example_is_accepted(full, organization, method, path, name, body):
    fed = Fed(organization, full.get)

    answer = full.call(method, path.format(**fed.ids, **WORDS), fed.body(body))

    assert answer.status_code < 300 or answer.status_code in NOBODY_ANSWERS, answer.content
