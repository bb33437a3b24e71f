"""Descriptions of a kind's properties, for the docs page and the API."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sequin_admin.credentials.properties import Properties


@dataclass(frozen=True)
class PropertyDoc:
    """Description of one property.

    `read_only`: read from the account. `extension`: an addition to the specification.
    """

    name: str
    title: str
    type: str
    required: bool
    secret: bool
    read_only: bool
    extension: bool
    help: str
    example: str
    pattern: str


@cache
def properties_of(declared: type[Properties]) -> tuple[PropertyDoc, ...]:
    schema = declared.model_json_schema()["properties"]
    return tuple(doc_of(declared, name, schema[name]) for name in declared.names())


def doc_of(declared: type[Properties], name: str, schema: dict[str, Any]) -> PropertyDoc:
    field, extra = declared.model_fields[name], declared.options_of(name)
    return PropertyDoc(
        name=name,
        title=field.title or name,
        type=type_words(schema),
        required=field.is_required(),
        secret=declared.is_secret(name),
        read_only=bool(extra.get("read_only")),
        extension=bool(extra.get("extension")),
        help=field.description or "",
        example=str(extra.get("example") or ""),
        pattern=str(extra.get("match") or ""),
    )


def type_words(schema: dict[str, Any]) -> str:
    """A JSON schema's type in words: `string`, `string[]`, `"User" | "Organization"`."""
    if "anyOf" in schema:
        options = [type_words(option) for option in schema["anyOf"]]
        return " | ".join(option for option in options if option != "null")
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"{type_words(schema['items'])}[]"
    return str(schema.get("type", "string"))
