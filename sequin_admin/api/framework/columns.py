"""From columns to JSON: what most requests are for, without model instances or pydantic.

A `RowShape` says how the fields of a response's schema are made of columns. The same declaration
serves rows as the database returns them, where JSON is text, and model instances.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, reduce
from operator import itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateTimeField, JSONField, Model

from sequin_admin.api.framework.schemas import Shape
from sequin_admin.core.prepared import Columns

Getter = Callable[[Columns], object]
# As `schemas.rfc3339()`: UTC with Z, to the second.
TIMES = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
# A number that may need more than 64 bits, which orjson reads as a float and does not write.
LONG_NUMBER = re.compile(r"\d{19}")
SHORT_CHARS, INTEGER_BITS = 18, 63


class Made(NamedTuple):
    """A field of a response that `make` makes of the values of `columns`."""

    make: Callable[..., object]
    columns: tuple[str, ...]


class RowShape:
    """How the fields of `schema` are made of the columns of `model`.

    A field that is not named in `fields` is the column of its name; a `RowShape` is the row that
    the foreign key of its name refers to.
    """

    def __init__(
        self, schema: type[Shape], model: type[Model], **fields: "Made | RowShape"
    ) -> None:
        self.schema, self.model = schema, model
        self.fields = {name: fields.get(name) or as_stored(name) for name in schema.model_fields}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All that are read, with those of other rows as Django names them: `oauth_app__name`."""
        named = ["id"]
        for name, field in self.fields.items():
            inner = isinstance(field, RowShape)
            named += [f"{name}__{each}" if inner else each for each in field.columns]
        return tuple(dict.fromkeys(named))

    def reader(self, columns: Sequence[str]) -> Callable[[Columns], dict[str, Any]]:
        """Makes the fields of rows with these columns.

        For one answer: a row that many refer to is read and made once.
        """
        at = {name: position for position, name in enumerate(columns)}
        getters = [(name, self.getter(name, field, at)) for name, field in self.fields.items()]
        return lambda row: {name: get(row) for name, get in getters}

    def getter(self, name: str, field: "Made | RowShape", at: Mapping[str, int]) -> Getter:
        if isinstance(field, RowShape):
            inner = {c: at[f"{name}__{c}"] for c in field.columns}
            return once_per_id(inner["id"], field, inner)
        values = [value_getter(self.model, column, at[column]) for column in field.columns]
        if field.make is same:
            return values[0]
        make = field.make
        if len(values) == 1:
            (value,) = values
            return lambda row: make(value(row))
        return lambda row: make(*[value(row) for value in values])

    def values(self, row: Columns, columns: Sequence[str], names: Sequence[str]) -> list[object]:
        """Those of some columns of a row of `columns`."""
        return [value_getter(self.model, name, columns.index(name))(row) for name in names]

    def fields_of(self, instance: Model) -> dict[str, Any]:
        """The fields of a model instance, with ids as text."""
        made: dict[str, Any] = {}
        for name, field in self.fields.items():
            if isinstance(field, RowShape):
                inner = getattr(instance, name)
                made[name] = None if inner is None else field.fields_of(inner)
            else:
                made[name] = field.make(*[attribute(instance, each) for each in field.columns])
        return {name: str(v) if isinstance(v, UUID) else v for name, v in made.items()}


def same(value: object) -> object:
    return value


def as_stored(name: str) -> Made:
    return Made(same, (name,))


def once_per_id(at_id: int, shape: RowShape, at: Mapping[str, int]) -> Getter:
    """Gets the nested row, the same object for the same id; None where there is no row."""
    getters = [(name, shape.getter(name, field, at)) for name, field in shape.fields.items()]
    known: dict[object, object] = {None: None}

    def get(row: Columns) -> object:
        pk = row[at_id]
        if pk not in known:
            known[pk] = {name: each(row) for name, each in getters}
        return known[pk]

    return get


def value_getter(model: type[Model], column: str, position: int) -> Getter:
    *path, last = column.split("__")
    for name in path:
        model = cast(type[Model], model._meta.get_field(name).related_model)
    field = model._meta.get_field(last)
    if isinstance(field, JSONField):
        return lambda row: read_column(row[position])
    if isinstance(field, DateTimeField):
        return lambda row: read_time(row[position])
    return itemgetter(position)


def attribute(instance: Model, column: str) -> object:
    """The value of a column of the instance, or of one it refers to; None where there is none."""
    try:
        return reduce(getattr, column.split("__"), instance)
    except ObjectDoesNotExist:
        return None


def read_column(text: str | None) -> object:
    """The value of a JSON column, with long integers as they are written."""
    if text is None:
        return None
    if LONG_NUMBER.search(text):
        return json.loads(text, parse_int=exact)
    return orjson.loads(text)


def read_time(value: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def exact(digits: str) -> object:
    return int(digits) if len(digits) <= SHORT_CHARS else orjson.Fragment(digits)


def encode(value: object, option: int = TIMES) -> bytes:
    """The value as JSON in UTF-8."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        return orjson.dumps(with_long_integers(value), option=option)


def with_long_integers(value: object) -> object:
    """A copy of the value that can be encoded whatever its integers."""
    if isinstance(value, Mapping):
        return {str(name): with_long_integers(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_long_integers(each) for each in value]
    if type(value) is int and value.bit_length() >= INTEGER_BITS:
        return orjson.Fragment(str(value))
    return value
