"""What the schemas of every resource are made of: bases, times, metadata and examples."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    JsonValue,
    PlainSerializer,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sequin_admin.core import clock
from sequin_admin.core.field_errors import contradiction
from sequin_admin.core.metadata import check_metadata
from sequin_admin.core.names import clean_name
from sequin_admin.health.status import Status


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC, to the second and with Z, as in the specification's examples."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


Moment = Annotated[AwareDatetime, AfterValidator(clock.in_utc)]

# The bounds of everybody's metadata; responses may hold longer ones from before.
Metadata = Annotated[dict[str, Any], AfterValidator(check_metadata)]


class OneOf:
    """Annotates a text that is one of `values`: a `Literal` of the choices of a model."""

    def __init__(self, *values: str) -> None:
        self.values = values

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.literal_schema(list(self.values))


# In examples: tests put the id of a real row in its place.
EXAMPLE_ID = "0f8a13c5-7b8f-42dd-9c1e-6f1d2a3b4c5d"

HealthStatus = Annotated[str, OneOf(*Status.values)]


def either(**types: str) -> list[JsonValue]:
    """The `oneOf` of two fields with their JSON types: one is sent, the other null or missing."""
    (one, one_type), (other, other_type) = types.items()
    return [
        {"required": [name], "properties": {name: {"type": type_}, null: {"type": "null"}}}
        for name, type_, null in ((one, one_type, other), (other, other_type, one))
    ]


# OpenAPI's example objects by name: https://spec.openapis.org/oas/v3.1.1.html#example-object
NamedExamples = dict[str, dict[str, Any]]


class Shape(BaseModel):
    """Base of responses. Ninja's `Schema` reads each value in Python: a fifth of a list's time."""

    model_config = ConfigDict(from_attributes=True)


class Strict(BaseModel):
    """Base of what is sent. Unknown fields are refused; errors do not repeat what was sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)


class Body(Strict):
    """Base of request bodies. In JSON, `"5"` is no number and neither is `true`."""

    # For the document, by title.
    examples: ClassVar[Mapping[str, object]] = {}

    @classmethod
    def named_examples(cls) -> NamedExamples:
        return {
            title.replace(" ", "_"): {"summary": title.capitalize(), "value": value}
            for title, value in cls.examples.items()
        }

    @model_validator(mode="before")
    @classmethod
    def _types_of_json(cls, values: object) -> object:
        sent = values if isinstance(values, dict) else {}
        messages = {}
        for name, wanted in types_by_field(cls):
            alias = cls.model_fields[name].alias or name
            if alias in sent and (sentence := wrong_type(wanted, sent[alias])):
                messages[name] = sentence
        if messages:
            raise contradiction(messages)
        if isinstance(sent.get("name"), str):
            return {**sent, "name": clean_name(sent["name"])}
        return values


@cache
def types_by_field(schema: type[Body]) -> list[tuple[str, frozenset[object]]]:
    """The types that the fields take, where JSON has types that pydantic would convert to them."""
    found = []
    for name, field in schema.model_fields.items():
        named = (field.annotation, *get_args(field.annotation))
        wanted = frozenset(getattr(each, "__origin__", each) for each in named)
        if wanted & {int, float, bool}:
            found.append((name, wanted))
    return found


def wrong_type(wanted: frozenset[object], value: object) -> str:
    """A message where pydantic would convert text, true or 1 to another type; else empty."""
    if isinstance(value, (bool, str)) and wanted & {int, float} and type(value) not in wanted:
        return "Send a number."
    if isinstance(value, (int, float, str)) and bool in wanted and not isinstance(value, bool):
        return "Send true or false."
    return ""
