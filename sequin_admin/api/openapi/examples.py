"""Examples for the OpenAPI document: those of the schemas, and values by type for the rest."""

from collections.abc import Iterator, Mapping
from typing import Any

from sequin_admin.api.framework.schemas import EXAMPLE_ID, Body, NamedExamples

JsonSchema = Mapping[str, Any]

MOMENT = "2026-11-23T12:00:00Z"
BY_FORMAT = {"uuid": EXAMPLE_ID, "date-time": MOMENT, "email": "paul@arrakis.example"}
# What means the same in every resource.
BY_NAME = {"name": "Arrakis", "provider": "stripe", "kind": "stripe_key"}
OBJECTS = {"metadata": {"customer": "arrakis"}}


def body_examples(schema: JsonSchema, schemas: JsonSchema) -> NamedExamples:
    """The named examples of a request body, as its class declares them."""
    (body,) = (body for body in bodies() if body.__name__ == name_of(schema))
    example = {"value": example_of(schema, schemas, only_required=True)}
    return body.named_examples() or {"example": example}


def bodies(base: type[Body] = Body) -> Iterator[type[Body]]:
    for body in base.__subclasses__():
        yield body
        yield from bodies(body)


def name_of(schema: JsonSchema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def example_of(
    schema: JsonSchema, schemas: JsonSchema, name: str = "", *, only_required: bool = False
) -> Any:
    """A value that fits `schema`: its own example if it has one, else one by its type."""
    if "$ref" in schema:
        merged = {**schemas[name_of(schema)], **{n: v for n, v in schema.items() if n != "$ref"}}
        return example_of(merged, schemas, name, only_required=only_required)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return BY_NAME[name] if BY_NAME.get(name) in schema["enum"] else schema["enum"][0]
    for choices in ("anyOf", "oneOf", "allOf"):
        if choices in schema:
            first: JsonSchema = next((c for c in schema[choices] if c.get("type") != "null"), {})
            return example_of(first, schemas, name, only_required=only_required)
    return example_by_type(schema, schemas, name, only_required)


def example_by_type(schema: JsonSchema, schemas: JsonSchema, name: str, only_required: bool) -> Any:
    match schema.get("type"):
        case "string":
            return example_text(schema, name)
        case "integer" | "number":
            return schema.get("minimum", schema.get("default") or 1)
        case "boolean":
            return bool(schema.get("default", True))
        case "array":
            items = schema.get("items", {})
            return [example_of(items, schemas, name, only_required=only_required)]
        case "object" if "properties" in schema:
            wanted = schema.get("required", []) if only_required else schema["properties"]
            return {
                n: example_of(each, schemas, n, only_required=only_required)
                for n, each in schema["properties"].items()
                if n in wanted
            }
        case "object":
            return OBJECTS.get(name, {})
        case _:
            return None


def example_text(schema: JsonSchema, name: str) -> str:
    if schema.get("format") in BY_FORMAT:
        return BY_FORMAT[schema["format"]]
    if name.endswith("_at") or name in ("at", "since"):
        return MOMENT
    if name == "id" or name.endswith("_id"):
        return EXAMPLE_ID
    return BY_NAME.get(name, str(schema.get("default") or "..."))


def drop_examples(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Take the examples out of the schemas, in place: they stand beside requests and responses."""
    for schema in schemas.values():
        for declared in schema.get("properties", {}).values():
            declared.pop("examples", None)
