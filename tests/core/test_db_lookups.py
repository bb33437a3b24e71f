"""JSON pairs match as in Python, and PostgreSQL uses an index for them."""

import re

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sequin_admin.connect.models import ConnectLink
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.syncs.models import Consumer, Sync, Target
from sequin_admin.tools.benchmarks.fleet import fill

KEYS = st.sampled_from(["a", "b", "é", "0", "-1", 'q"', "it's", "a.b", "a b", "$", "", "\\", "%s"])
TEXTS = st.sampled_from(["", "true", "null", "1", "[]", "{}", "é", "E", "e", 'q"', "it's", "\\n"])
NUMBERS = st.sampled_from([0, 1, 1.0, -1, 0.1, 1e300, 2**53, 10**30])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)


@st.composite
def stored_and_asked(draw):
    stored = draw(st.lists(OBJECTS, min_size=1, max_size=3))
    some = draw(st.sampled_from(stored))
    names = draw(st.lists(st.sampled_from(sorted(some)), unique=True)) if some else []
    return stored, {name: some[name] for name in names} | draw(st.just({}) | OBJECTS)


def plain(value):
    """A canonical form that is equal for equal JSON, where `True` is not `1`."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return (isinstance(value, bool), value)


def has(stored, asked):
    return all(name in stored and plain(stored[name]) == plain(asked[name]) for name in asked)


@given(stored_and_asked())
@example(([{"a": [1, 2]}, {"a": [2, 1]}, {"a": [1, 2, 3]}, {"a": "[1,2]"}], {"a": [1, 2]}))
@example(([{"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, {"a": {}}], {"a": {"y": 2, "x": 1.0}}))
@example(([{"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, {"a": {}}], {"a": {"x": 1}}))
@example(([{"a": True}, {"a": "true"}, {"a": 1}, {"a": None}, {"a": "null"}, {}], {"a": "true"}))
@example(([{"a": True}, {"a": "true"}, {"a": 1}, {"a": None}, {"a": "null"}, {}], {"a": None}))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_has_all_the_pairs_is_found_and_nothing_else(organization, both):
    stored, asked = both
    Target.objects.all().delete()
    for number, metadata in enumerate(stored):
        Target.objects.create(
            organization=organization, name=str(number), metadata=metadata, secrets={}
        )

    rows = Target.objects.filter(metadata__has_pairs=asked)

    wanted = {str(number) for number, metadata in enumerate(stored) if has(metadata, asked)}
    assert set(rows.values_list("name", flat=True)) == wanted
    left = Target.objects.exclude(metadata__has_pairs=asked).count()
    assert left == len(stored) - len(wanted)


@pytest.mark.django_db
@pytest.mark.postgresql
@pytest.mark.parametrize("model", [Credential, OAuthApp, ConnectLink, Sync, Target, Consumer])
def test_an_index_finds_the_pairs(model):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    plan = model.objects.filter(metadata__has_pairs={"plan": "pro"}).explain()

    assert f"Index Scan on {model._meta.db_table}_pairs" in plan


@pytest.mark.postgresql
def test_it_is_known_how_much_a_search_finds(organization):
    """Otherwise a search with many matches would read all of them for its first page."""
    fill(organization, 200)
    credential = Credential.objects.of(organization)[0]
    columns = {"organization": organization, "credential": credential, "provider": "stripe"}
    Sync.objects.bulk_create(Sync(name=f"Account {n}", **columns) for n in range(200))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def thought(model, text):
        plan = model.objects.of(organization).matching(text).explain()
        return int(re.search(r"rows=(\d+)", plan)[1])

    for model in (Credential, Sync):
        assert thought(model, "ACCOUNT") > 150
        assert thought(model, "water") < 20
