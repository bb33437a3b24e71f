"""What a kind's declaration says of its properties, for people and programs to read."""

from dataclasses import dataclass
from typing import Any

from sequin_admin.credentials.properties import Properties


@dataclass(frozen=True)
class Described:
    """One property. `filled` ones are read from the account; `ours` are not the specification's."""

    name: str
    title: str
    type: str
    required: bool
    secret: bool
    filled: bool
    ours: bool
    help: str
    example: str
    pattern: str


def properties_of(declared: type[Properties]) -> list[Described]:
    schema = declared.model_json_schema()["properties"]
    return [described(declared, name, schema[name]) for name in declared.names()]


def described(declared: type[Properties], name: str, schema: dict[str, Any]) -> Described:
    field, extra = declared.model_fields[name], declared.declared(name)
    return Described(
        name=name,
        title=field.title or name,
        type=type_words(schema),
        required=field.is_required(),
        secret=declared.is_secret(name),
        filled=bool(extra.get("filled")),
        ours=bool(extra.get("ours")),
        help=field.description or "",
        example=str(extra.get("example") or ""),
        pattern=str(extra.get("match") or ""),
    )


def type_words(schema: dict[str, Any]) -> str:
    """`string`, `integer`, `string[]`, `"User" | "Organization"`."""
    if "anyOf" in schema:
        options = [type_words(option) for option in schema["anyOf"]]
        return " | ".join(option for option in options if option != "null")
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"{type_words(schema['items'])}[]"
    return str(schema.get("type", "string"))
