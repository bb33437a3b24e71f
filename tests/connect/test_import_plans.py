"""An import finds what is here already by an index, however much an organization has."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access.models import Scope
from tests.factories import make_credential

# Of the number of rows SQLite knows nothing, and so plans as it would for many.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite plans without numbers."),
]
SENT = {
    "properties": {
        "kind": "stripe_key",
        "name": "Arrakis",
        "test": True,
        "secret": "sk_test_arrakis0000000000000001",
    }
}


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/v1/credentials", SENT), ("/v1/credentials/bulk", {"credentials": [SENT]})],
)
@pytest.mark.parametrize("is_known", [False, True])
def test_no_statement_reads_the_whole_organization(
    organization, make_client, simulated, path, sent, is_known
):
    make_credential(organization, "stripe_key")
    client = make_client(organization, *Scope)
    if is_known:
        assert client.post(path, sent).status_code < 300

    with CaptureQueriesContext(connection) as statements:
        assert client.post(path, sent).status_code < 300

    asked = {each["sql"] for each in statements if 'FROM "credentials_credential"' in each["sql"]}
    assert asked
    assert {statement: plan for statement in asked if is_broad(plan := explain(statement))} == {}


def explain(statement):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        return "\n".join(row[-1] for row in cursor.fetchall())


def is_broad(plan):
    """Whether it reads all of an organization, or of its credentials of a kind."""
    broad = r"credentials_credential .*\(organization_id=\?( AND kind=\?)?\)"
    return "SCAN credentials_credential" in plan or re.search(broad, plan) is not None
