"""Many rows in one INSERT, made by column: each value as Django makes it, of each table of ours."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection
from django.db.backends.postgresql.compiler import SQLInsertCompiler as OnPostgreSQL
from django.db.models import Value
from django.db.models.constants import OnConflict
from django.db.models.functions import Upper
from django.db.models.sql import InsertQuery
from django.db.models.sql.compiler import SQLInsertCompiler as OnSQLite
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequin_admin.audit.models import Event
from sequin_admin.core.fields import EncryptedJSONField

pytestmark = pytest.mark.django_db
OURS = [
    model
    for model in apps.get_models()
    if model.__module__.startswith("sequin_admin.") and not model._meta.proxy
]
DJANGOS = OnPostgreSQL if connection.vendor == "postgresql" else OnSQLite


class Text(str):
    """Not the class that a column is known to hold."""


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ZONES = [UTC, ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=5, minutes=30))]
# Without what PostgreSQL refuses.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
JSON = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
OBJECTS = st.dictionaries(TEXTS, JSON | st.lists(JSON, max_size=2), max_size=2)
VALUES = {
    "BinaryField": st.binary(max_size=9),
    "BooleanField": st.booleans(),
    "CharField": TEXTS,
    "DateField": st.dates(),
    "DateTimeField": st.datetimes(
        datetime(1950, 1, 1),
        datetime(2100, 1, 1),
        timezones=st.sampled_from(ZONES),
    ),
    "DurationField": st.timedeltas(timedelta(0), timedelta(days=99)),
    "FloatField": st.floats(allow_nan=False, allow_infinity=False),
    "JSONField": JSON | OBJECTS | st.lists(JSON, max_size=3),
    "TextField": TEXTS,
    "TimeField": st.times(),
    "UUIDField": st.uuids(),
}
NUMBERS = st.integers(0, 2**15 - 1)


def values_of(field):
    """What a column may have: values of its class, and None where it takes that."""
    target = field
    while target.is_relation:
        target = target.target_field
    if isinstance(target, EncryptedJSONField) or target.default is dict:
        return OBJECTS
    if target.default is list:
        return st.lists(TEXTS, max_size=2)
    values = VALUES.get(target.get_internal_type(), TEXTS if target.choices else NUMBERS)
    return values | st.none() if field.null else values


def compiled(model, rows, compiler=None, **on_conflict):
    """The statement of these rows, by our compiler or by another one."""
    query = InsertQuery(model, **on_conflict)
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    query.insert_values(fields, rows)
    chosen = compiler(query, connection, "default") if compiler else query.get_compiler("default")
    chosen.returning_fields = model._meta.db_returning_fields
    ((sql, params),) = chosen.as_sql()
    return sql, params


def stored(sql, params):
    """What the statement inserts. On PostgreSQL, which gets its rows in different forms, they are
    asked for."""
    if connection.vendor == "sqlite" or " SELECT * FROM " not in sql:
        return sql, [shown(each) for each in params]
    names, _, rest = sql.partition(" SELECT * FROM ")
    rows, *others = re.split(" (?=ON CONFLICT|RETURNING)", rest)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {rows}", params)
        return names, others, cursor.fetchall()


def shown(param):
    return bytes(param) if isinstance(param, memoryview) else str(param)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_column_is_stored_as_django_stores_it(model, data):
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    row = st.fixed_dictionaries({field.attname: values_of(field) for field in fields})
    rows = [model(**data.draw(row)) for _ in range(data.draw(st.integers(1, 3)))]

    # An encrypted value is another one each time, and is bound to what another table may have.
    sealed = patch("sequin_admin.core.fields.seal_secrets", lambda v: json.dumps([v.row, v]))
    bound = patch.object(EncryptedJSONField, "row_identity", lambda field, row: f"row {row.pk}")
    with sealed, bound, patch("django.utils.timezone.now", lambda: NOW):
        ours, djangos = compiled(model, rows), compiled(model, rows, DJANGOS)
        assert stored(*ours) == stored(*djangos)


@pytest.mark.parametrize(
    "columns",
    [
        {"target": gettext_lazy("Lazy")},
        {"target": Text("a subclass")},
        {"target": 5},
        {"target": Upper(Value("sql"))},
        {"at": "2026-01-01T00:00:00+02:00"},
        {"organization_id": "0a1b2c3d-0000-4000-8000-00000000000a"},
    ],
    ids=str,
)
def test_what_is_not_of_the_columns_class_is_prepared_by_its_field(columns):
    rows = [Event(at=NOW), Event(**{"at": NOW, **columns})]

    ours = compiled(Event, rows)

    assert stored(*ours) == stored(*compiled(Event, rows, DJANGOS))


def test_django_warns_of_a_time_without_a_zone():
    rows = [Event(at=NOW), Event(at=NOW.replace(tzinfo=None))]

    with pytest.warns(RuntimeWarning, match="received a naive datetime"):
        compiled(Event, rows)


@pytest.mark.parametrize("on_conflict", OnConflict)
def test_what_happens_to_a_row_that_is_there_is_said_as_django_says_it(on_conflict):
    known, changed = [Event._meta.get_field(name) for name in ("id", "target")]
    rows = [Event(at=NOW, target="one"), Event(at=NOW, target="two")]
    told = {"on_conflict": on_conflict, "update_fields": [changed], "unique_fields": [known]}

    ours = compiled(Event, rows, **told)

    assert stored(*ours) == stored(*compiled(Event, rows, DJANGOS, **told))


def test_a_row_of_its_own_is_inserted_by_django():
    row = Event(target="one", at=NOW)

    assert compiled(Event, [row])[0] == compiled(Event, [row], DJANGOS)[0]
