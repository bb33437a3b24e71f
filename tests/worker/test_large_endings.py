"""The end of a large organization gets on at each turn."""

import math

from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access.models import Organization
from sequin_admin.core import owned_rows
from sequin_admin.credentials.models import Credential, SearchText
from tests.factories import make_credential


def test_owners_with_rows_are_looked_for_once_in_many_pages(organization, monkeypatch):
    """PostgreSQL passes all that are done each time, which grows with their square."""
    monkeypatch.setattr(owned_rows, "OWNERS", 1)
    for number in range(12):
        make_credential(organization, "stripe_key", identity=f"n{number}")
    owned, asked = owned_rows.find_owned(Organization), []

    with CaptureQueriesContext(connection) as queries:
        for keys in owned_rows.pages_of_owners(organization, SearchText, owned):
            asked += keys
            SearchText._base_manager.filter(credential__in=keys)._raw_delete("default")

    assert sorted(asked) == sorted(Credential.objects.values_list("pk", flat=True))
    assert sum("EXISTS" in each["sql"] for each in queries) == 2


def test_a_turn_does_not_begin_with_the_pages_that_are_done(organization, monkeypatch):
    """Else one of 100,000 credentials spends its turns on those."""
    monkeypatch.setattr(owned_rows, "OWNERS", 2)
    for number in range(9):
        make_credential(organization, "stripe_key", identity=f"n{number}")
    owned = owned_rows.find_owned(Organization)
    of_credentials = [model for model, (_, owner) in owned.items() if owner is Credential]
    for model in of_credentials:
        model._base_manager.all()._raw_delete("default")
    last = make_credential(organization, "stripe_key", identity="last")
    asked = []
    monkeypatch.setattr(owned_rows.pruning, "prune", lambda rows, **_: asked.append(rows))

    assert owned_rows.delete_owned(organization, math.inf)

    left = [rows for rows in asked if rows.model in of_credentials]
    assert {rows.model for rows in left} >= {SearchText}
    assert len(left) == len({rows.model for rows in left})
    assert [row.credential_id for rows in left for row in rows if rows.model is SearchText] == [
        last.pk
    ]
