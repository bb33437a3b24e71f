"""Every example of the document is accepted, with the ids of real rows."""

import pytest
from django.db import transaction

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


def test_every_example_is_accepted(full, organization):
    """Each finds the same rows: what it changes is undone."""
    fed, refused = Fed(organization, full.get), []

    for method, path, name, body in SENT:
        with transaction.atomic():
            answer = full.call(method, path.format(**fed.ids, **WORDS), fed.body(body))
            transaction.set_rollback(True)
        if answer.status_code >= 300 and answer.status_code not in NOBODY_ANSWERS:
            refused.append((method, path, name, answer.content))

    assert len(SENT) > 50
    assert refused == []
