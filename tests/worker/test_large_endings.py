"""The end of a large organization gets on at each turn."""

import math

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import post_delete, pre_delete
from django.test.utils import CaptureQueriesContext

from sequin_admin.access import endings
from sequin_admin.access.models import EndingStep, Organization, OrganizationEnding
from sequin_admin.core import clock, owned_rows
from sequin_admin.credentials.models import Credential, SearchText
from sequin_admin.health.incidents import release_on_leaving, resolve_on_delete
from sequin_admin.tokens.models import Token
from sequin_admin.worker import endings as worker_endings
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


def test_nothing_is_asked_for_each_row(organization):
    """Twice as many accounts go by the same statements."""
    asked = []
    for count in (20, 40):
        for number in range(count):
            make_credential(organization, "stripe_key", identity=f"n{number}")
        with CaptureQueriesContext(connection) as queries:
            assert owned_rows.delete_owned(organization, math.inf)
        asked.append(len(queries))

    assert not Credential.objects.exists()
    assert asked[0] == asked[1]


def test_what_is_left_out_for_each_row_is_not_needed():
    """No row outside, and none of the same table, points to one that goes; and signals see only to
    rows that go as well."""
    owned = owned_rows.find_owned(Organization)
    tables = [m for m in apps.get_models(include_auto_created=True) if not m._meta.proxy]
    pointing = {
        (model, key.name)
        for model in tables
        for key in owned_rows.foreign_keys(model)
        if key.related_model in owned and (model not in owned or key.related_model is model)
    }
    receivers = {
        receiver
        for model in owned
        for signal in (pre_delete, post_delete)
        for receiver in signal._live_receivers(model)[0]
    }

    assert not pointing
    assert receivers == {release_on_leaving, resolve_on_delete}


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_added_meanwhile_is_for_the_next_turn(organization, user, monkeypatch):
    credential = make_credential(organization, "stripe_key")
    endings.ask(organization, actor=user)
    ending = OrganizationEnding.objects.get()
    ending.step, ending.began_at = EndingStep.ERASING, clock.now()
    prune, added = owned_rows.pruning.prune, []

    def add(rows, **given):
        if rows.model is Credential and not added:
            added.append(Token.objects.create(credential=credential))
        return prune(rows, **given)

    monkeypatch.setattr(owned_rows.pruning, "prune", add)

    assert worker_endings.erase(ending) == ({}, worker_endings.SOON)
    assert Credential.objects.exists()
    assert worker_endings.erase(ending)[0] == {"step": EndingStep.CLOSING}
    assert not Organization.objects.filter(pk=organization.pk).exists()
