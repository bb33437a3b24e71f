"""What a credential is found by, whoever writes it and whatever its letters are."""

import json
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sequin_admin.access.models import find_few
from sequin_admin.connect import credential_operations
from sequin_admin.core.search_language import parse_search
from sequin_admin.credentials.models import Credential, SearchText
from tests.factories import make_credential

pytestmark = pytest.mark.django_db

# Letters that databases get wrong: patterns, quotes, cases of one letter that differ in length.
LETTERS = "aAbk%_\\'\"é É ß ẞ İ \u0131 ς Σ 日 本 🦊 K 0 -:. \n"
TEXTS = st.text(st.sampled_from(LETTERS), max_size=12)


@pytest.fixture
def row(organization):
    return make_credential(organization, "stripe_key", name="Arrakis")


def plain(text):
    """A value stands on a line of its own, and a word in it is not broken."""
    return text.casefold().replace("\n", " ")


def found(organization, text):
    return set(Credential.objects.of(organization).matching(text).values_list("name", flat=True))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=TEXTS, value=TEXTS, word=TEXTS)
@example(name="100% Ä_B", value="", word="% ä_")
@example(name="ab", value="", word="b")
@example(name="STRASSE", value="", word="straße")
@example(name="", value="ΣΑΣ", word="σας")
@example(name="axb", value="", word="a_b")
def test_a_row_is_found_exactly_when_its_text_has_the_word(row, name, value, word):
    row.name, row.metadata = name, {"of": [{"theirs": value}]}
    row.save()
    # The name is on one line now.
    texts = [row.name, value, str(row.pk), row.identity or "", *map(str, row.properties.values())]

    rows = Credential.objects.filter(search__text__has_word=word)

    assert rows.exists() == any(plain(word) in plain(each) for each in texts)


def text_of(row):
    return SearchText.objects.get(pk=row.pk).text


def test_every_door_that_writes_keeps_the_text(organization, user, row):
    def assert_kept():
        stored = Credential.objects.get(pk=row.pk)
        assert text_of(row) == stored.build_search_text()

    assert_kept()
    rows = Credential.objects.of(organization)
    credential_operations.update_details(row, actor=user, name="Caladan", metadata={"n": 5})
    assert_kept()
    assert found(organization, "caladan 5") == {"Caladan"}
    rows.update(name=Concat("name", Value(" Prime")))
    assert_kept()
    # A filter that the row no longer passes afterwards.
    assert rows.filter(metadata={"n": 5}).update(metadata={"n": 6}) == 1
    assert_kept()
    row.refresh_from_db()
    row.identity = "acct_2"
    rows.bulk_update([row], ["identity"])
    assert_kept()
    row.properties = {**row.properties, "name": "Dune Inc."}
    row.save(update_fields=["properties"])
    assert_kept()
    assert found(organization, "prime dune acct_2") == {"Caladan Prime"}


def test_a_probe_that_began_before_a_change_does_not_undo_its_text(organization, user, row):
    """Two doors write different columns, from rows that they have read at the same time."""
    early, late = (Credential.objects.get(pk=row.pk) for _ in range(2))
    credential_operations.update_details(early, actor=user, name="Giedi", metadata={"a": "b77"})

    late.identity = "acct_late"
    late.save(update_fields=["identity"])

    assert found(organization, "giedi b77 acct_late") == {"Giedi"}


def test_no_secret_is_found(organization, row):
    assert not any(str(secret).casefold() in text_of(row) for secret in row.secrets.values())


def test_stored_rows_are_filled_in_batches(organization, monkeypatch):
    for number in range(5):
        make_credential(organization, "stripe_key", name=f"Row {number}", identity=f"acct_{number}")
    SearchText.objects.all().delete()
    migration = import_module("sequin_admin.credentials.migrations.0006_fill_search_text")
    monkeypatch.setattr(migration, "CHUNK_SIZE", 2)

    migration.fill_search_texts(apps, None)

    assert all(text_of(each) == each.build_search_text() for each in Credential.objects.all())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("account", {"Account one", "Account two", "note: Account", "down"}),
        ("acct_1", {"Account one"}),
        ('"account one"', {"Account one"}),
        ('"account t', {"Account two"}),
        ("one two", set()),
        ("customer:c-000777", {"Account two"}),
        ("plan:5", {"Account two"}),
        ('plan:"pro max"', {"Account one"}),
        ("note:", {"note: Account"}),
        ("provider:HubSpot", {"down"}),
        ("provider:stripe plan:5 two", {"Account two"}),
        ("kind:hubspot_oauth2", {"down"}),
        ("status:customer", {"Account two"}),
        ("status:sequin_intervention", {"note: Account"}),
        ("status:disabled", {"down"}),
        ("status:green account", set()),
        ("provider:nobody", set()),
        ("id:xyz", set()),
        ("Status:Customer", {"Account two"}),
        ("'; DROP--", set()),
        ("%", set()),
        ("_1", {"Account one"}),
        ("\0", {"Account one", "Account two", "note: Account", "down"}),
    ],
)
def test_the_language(organization, text, names):
    make_credential(
        organization,
        "stripe_key",
        name="Account one",
        identity="acct_1",
        metadata={"plan": "pro max"},
    )
    make_credential(
        organization,
        "stripe_key",
        name="Account two",
        identity="acct2",
        metadata={"customer": "c-000777", "plan": 5},
        health_status="customer_intervention",
    )
    make_credential(
        organization,
        "stripe_key",
        name="note: Account",
        identity="acct3",
        health_status="sequin_intervention",
    )
    make_credential(
        organization,
        "hubspot_oauth2",
        name="down",
        metadata={"of": "account"},
        health_status="customer_intervention",
        disabled_at="2026-11-01T00:00:00Z",
    )

    assert found(organization, text) == names


def test_a_row_is_found_by_how_its_id_begins(organization, row):
    other = make_credential(organization, "stripe_key", name="Other", identity="acct_other")
    begins = str(row.pk)[:8]

    assert found(organization, f"id:{begins}") == {"Arrakis"}
    assert found(organization, begins.upper()) == {"Arrakis"}
    assert found(organization, f"id:{other.pk.hex}") == {"Other"}


@given(st.text(max_size=40))
def test_any_text_is_a_search(text):
    terms = parse_search(text)

    assert all(term.value and json.dumps(term.value) for term in terms)


def test_the_few_that_hold_a_value_are_known_before_the_metadata_is_read(organization):
    """On SQLite; filters, which are of other columns, are no words."""
    row = make_credential(organization, "stripe_key", metadata={"plan": "pro"})
    make_credential(organization, "sendgrid_key", metadata={"plan": "basic"})

    few = find_few((SearchText,), "plan:pro status:healthy")

    assert few == ({SearchText: [row.pk]} if connection.vendor == "sqlite" else {})
    assert find_few((SearchText,), "status:healthy") == {}


def test_the_few_with_a_value_too_short_for_the_index_are_known_too(organization):
    having = make_credential(organization, "stripe_key", metadata={"seats": 7})
    named = make_credential(organization, "sendgrid_key", name="Note seats:7")
    make_credential(organization, "sendgrid_key", name="Other", metadata={"seats": 77})

    few = find_few((SearchText,), "seats:7")

    assert {having.pk, named.pk} <= set(few[SearchText])
    assert found(organization, "seats:7") == {having.name, named.name}
