"""From columns to JSON: what most requests are for, without model instances or pydantic.

A `RowShape` says how the fields of a response's schema are made of columns. The same declaration
serves rows as the database returns them, where JSON is text, and model instances.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, reduce
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateTimeField, JSONField, Model
from django.db.models.expressions import Combinable

from sequin_admin.api.framework.schemas import Shape
from sequin_admin.core.prepared import Columns

Value = TypeVar("Value")
# Of one column or field, one for each row.
Values = Sequence[Any]
Reader = Callable[[Sequence[Columns]], list[dict[str, Any]]]
RowReader = Callable[[Columns], dict[str, Any]]
ColumnsReader = Callable[[Sequence[Values]], list[dict[str, Any]]]
Maker = Callable[[Sequence[Values]], Iterable[object]]
# As `schemas.rfc3339()`: UTC with Z, to the second.
TIMES = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
# A number that may need more than 64 bits, which orjson reads as a float and does not write.
LONG_NUMBER = b"0" * 19
AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
SHORT_CHARS, INTEGER_BITS = 18, 63


class Made(NamedTuple):
    """A field of a response that `make` makes of the values of `columns`."""

    make: Callable[..., object]
    columns: tuple[str, ...]


class Computed(NamedTuple):
    """A column that is computed as JSON: by the database, or `of` a model instance."""

    expression: Combinable
    of: Callable[[Model], object]


class Conversion(NamedTuple):
    """Of what the database returns for a column: of many rows, or of one."""

    many: Callable[[Values], Values]
    one: Callable[[object], object]


class RowShape:
    """How the fields of `schema` are made of the columns of `model`.

    A field that is not named in `fields` is the column of its name; a `RowShape` is the row that
    the foreign key of its name refers to. What is made has the names of the JSON.
    """

    def __init__(
        self,
        schema: type[Shape],
        model: type[Model],
        computed: Mapping[str, Computed] | None = None,
        **fields: "Made | RowShape",
    ) -> None:
        self.schema, self.model, self.computed = schema, model, computed or {}
        self.fields = {
            field.alias or name: fields.get(name) or as_stored(name)
            for name, field in schema.model_fields.items()
        }

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All that are read, with those of other rows as Django names them: `oauth_app__name`."""
        named = ["id"]
        for name, field in self.fields.items():
            inner = isinstance(field, RowShape)
            named += [f"{name}__{each}" if inner else each for each in field.columns]
        return tuple(dict.fromkeys(named))

    def reader(self, columns: Sequence[str]) -> Reader:
        """Makes the fields of rows with these columns."""
        at = {name: position for position, name in enumerate(columns)}
        read = self.columns_reader({column: at[column] for column in self.columns})
        return lambda rows: read(list(zip(*rows, strict=True))) if rows else []

    def columns_reader(self, at: Mapping[str, int]) -> ColumnsReader:
        """Column by column: a step for each costs less than one for each field of each row."""
        names = tuple(self.fields)
        makers = [self.maker(name, field, at) for name, field in self.fields.items()]

        def read_fields(columns: Sequence[Values]) -> list[dict[str, Any]]:
            made = zip(*[make(columns) for make in makers], strict=False)
            return [dict(zip(names, each, strict=True)) for each in made]

        return read_fields

    def maker(self, name: str, field: "Made | RowShape", at: Mapping[str, int]) -> Maker:
        if isinstance(field, RowShape):
            return nested_maker(field, {c: at[f"{name}__{c}"] for c in field.columns})
        if not field.columns:
            return lambda columns: repeat(field.make())
        places = [(at[column], self.conversion(column).many) for column in field.columns]
        if field.make is same:
            ((place, convert),) = places
            return lambda columns: convert(columns[place])
        return lambda columns: make_once(
            field.make,
            [columns[place] for place, _ in places],
            [convert(columns[place]) for place, convert in places],
        )

    def row_reader(self, columns: Sequence[str]) -> RowReader:
        """As `reader()`, for one row, where what `columns_reader()` does for many costs more."""
        at = {name: position for position, name in enumerate(columns)}
        return self.row_maker({column: at[column] for column in self.columns})

    def row_maker(self, at: Mapping[str, int]) -> RowReader:
        steps = [(name, self.step(name, field, at)) for name, field in self.fields.items()]
        return lambda row: {name: make(row) for name, make in steps}

    def step(
        self, name: str, field: "Made | RowShape", at: Mapping[str, int]
    ) -> Callable[[Columns], object]:
        if isinstance(field, RowShape):
            inner = {column: at[f"{name}__{column}"] for column in field.columns}
            read, at_id = field.row_maker(inner), inner["id"]
            return lambda row: None if row[at_id] is None else read(row)
        parts = [self.part(column, at[column]) for column in field.columns]
        if field.make is same:
            return parts[0]
        return lambda row: field.make(*[part(row) for part in parts])

    def part(self, column: str, place: int) -> Callable[[Columns], object]:
        convert = self.conversion(column).one
        return itemgetter(place) if convert is same else lambda row: convert(row[place])

    def selected(self, columns: Iterable[str]) -> list[str | Combinable]:
        """What `values_list()` takes for these columns."""
        return [
            self.computed[each].expression if each in self.computed else each for each in columns
        ]

    def conversion(self, column: str) -> Conversion:
        if column in self.computed:
            return Conversion(read_json_column, read_json)
        *path, last = column.split("__")
        model = self.model
        for name in path:
            model = cast(type[Model], model._meta.get_field(name).related_model)
        field = model._meta.get_field(last)
        if isinstance(field, JSONField):
            return Conversion(read_json_column, read_json)
        if isinstance(field, DateTimeField):
            return Conversion(read_times, read_time)
        return Conversion(same, same)

    def values(self, row: Columns, columns: Sequence[str], names: Sequence[str]) -> list[object]:
        """Those of some columns of a row of `columns`."""
        return [self.conversion(name).one(row[columns.index(name)]) for name in names]

    def fields_of(self, instance: Model) -> dict[str, Any]:
        """The fields of a model instance, with ids as text."""
        made: dict[str, Any] = {}
        for name, field in self.fields.items():
            if isinstance(field, RowShape):
                inner = getattr(instance, name)
                made[name] = None if inner is None else field.fields_of(inner)
            else:
                made[name] = field.make(*[self.value_of(instance, each) for each in field.columns])
        return {name: str(v) if isinstance(v, UUID) else v for name, v in made.items()}

    def value_of(self, instance: Model, column: str) -> object:
        computed = self.computed.get(column)
        return computed.of(instance) if computed else attribute(instance, column)


def same(value: Value) -> Value:
    return value


def as_stored(name: str) -> Made:
    return Made(same, (name,))


def nested_maker(shape: RowShape, at: Mapping[str, int]) -> Maker:
    """Makes each row that a foreign key refers to once, however many do; None where none is."""
    read, at_id = shape.columns_reader(at), at["id"]

    def make(columns: Sequence[Values]) -> Values:
        last = {pk: number for number, pk in enumerate(columns[at_id]) if pk is not None}
        if not last:
            return columns[at_id]
        chosen = itemgetter(*last.values(), -1)
        made = dict(zip(last, read([chosen(column)[:-1] for column in columns]), strict=True))
        return [made.get(pk) for pk in columns[at_id]]

    return make


def make_once(
    make: Callable[..., object], raw: Sequence[Values], values: Sequence[Values]
) -> Values:
    """`make` of the values of each row, once for the same raw columns."""
    keys = raw[0] if len(raw) == 1 else list(zip(*raw, strict=True))
    made: dict[object, object] = {}
    for key, arguments in zip(keys, zip(*values, strict=True), strict=True):
        if key not in made:
            made[key] = make(*arguments)
    return [made[key] for key in keys]


def attribute(instance: Model, column: str) -> object:
    """The value of a column of the instance, or of one it refers to; None where there is none."""
    try:
        return reduce(getattr, column.split("__"), instance)
    except ObjectDoesNotExist:
        return None


def read_json_column(texts: Values) -> Values:
    """The values of a JSON column, with long integers as they are written; equal ones are one."""
    distinct = set(texts) - {None}
    read = reader_of("\n".join(distinct))
    values = {None: None, **{text: read(text) for text in distinct}}
    return [values[text] for text in texts]


def read_json(text: object) -> object:
    if not isinstance(text, str):
        return None
    return orjson.loads(text) if len(text) <= SHORT_CHARS else reader_of(text)(text)


def reader_of(text: str) -> Callable[[str], object]:
    """What reads JSON texts that have such numbers."""
    has_long = LONG_NUMBER in text.encode(errors="surrogatepass").translate(AS_ZEROS)
    return read_long_integers if has_long else orjson.loads


def read_long_integers(text: str) -> object:
    return json.loads(text, parse_int=exact)


def read_times(values: Values) -> Values:
    """Times, which may be text in ISO 8601."""
    return [datetime.fromisoformat(v) if isinstance(v, str) else v for v in values]


def read_time(value: object) -> object:
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
