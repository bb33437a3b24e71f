"""Many rows in one INSERT on PostgreSQL: each column as Django stores it in a row of its own."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import FieldError
from django.db import DataError, connection
from django.db.models import Value
from django.db.models.functions import Upper

from sequin_admin.audit.models import Event
from sequin_admin.credentials.models import Credential
from tests.factories import make_credential

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite inserts as Django does."),
]
TEXTS = ("", "a'b\"c\\d", "%s {} \n\t", "Zürich 東京 \U0001f600", "\x7f\u2028", "null", "1")
VALUES = (
    {"text": "\U0001f600 \\u0041 'x' %s", "big": 2**53 + 1, "small": 5e-324, "large": 1.5e300},
    {"none": None, "list": [1, [2.0, {"deep": [True, False]}], ""], "": {}},
    {},
    {"long": 10**40},
)
TIMES = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))


def stored(rows) -> list[dict[str, object]]:
    return list(Event.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk").values())


def events() -> list[Event]:
    made = [Event(actor=text, target=text, at=TIMES[0]) for text in TEXTS]
    made += [Event(details=value, at=TIMES[1]) for value in VALUES]
    return [
        *made,
        Event(at=datetime(2026, 1, 1, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
    ]


def test_many_rows_are_stored_as_single_ones(django_assert_num_queries):
    one_by_one = events()
    for event in one_by_one:
        event.save()

    with django_assert_num_queries(1) as queries:
        together = Event.objects.bulk_create(events())

    assert "json_to_recordset" in queries[0]["sql"]
    for before, after in zip(stored(one_by_one), stored(together), strict=True):
        assert {**before, "id": 0} == {**after, "id": 0}


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/Berlin"), timezone(timedelta(seconds=30))])
def test_a_zone_that_is_seconds_ahead_keeps_them(zone):
    """Berlin was 53 minutes and 28 seconds ahead until 1893."""
    at = datetime(1850, 1, 1, tzinfo=zone)

    rows = Event.objects.bulk_create([Event(at=at), Event(at=at)])

    assert [row["at"] for row in stored(rows)] == [at, at]


def test_rows_get_their_ids_in_order():
    rows = Event.objects.bulk_create([Event(target=str(number)) for number in range(300)])

    assert [row["target"] for row in stored(rows)] == [row.target for row in rows]


@pytest.mark.parametrize("text", ["x" * 201, "a\0b", "\ud800"], ids=["long", "NUL", "surrogate"])
def test_what_no_column_holds_is_refused(text):
    with pytest.raises((DataError, UnicodeEncodeError)):
        Event.objects.bulk_create([Event(target="fits"), Event(target=text)])


def test_an_expression_is_computed():
    rows = [Event(target="a"), Event(target=Upper(Value("b")))]

    assert {row["target"] for row in stored(Event.objects.bulk_create(rows))} == {"a", "B"}


def test_an_encrypted_column_takes_no_text(organization):
    """Only its field knows how to encrypt: a text would be stored as it is."""
    rows = [make_credential(organization, "stripe_key") for _ in range(2)]
    for row in rows:
        row.pk, row.secrets = uuid4(), "plain"

    with pytest.raises(FieldError, match="encrypted for one row"):
        Credential._base_manager.bulk_create(rows)
