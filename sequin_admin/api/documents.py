"""The OpenAPI document: the kinds' declarations in the words of JSON Schema, with examples."""

from typing import Any, Literal, get_args, get_origin

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from sequin_admin.api import idempotency, webhook_shapes
from sequin_admin.credentials import kinds
from sequin_admin.credentials.forms import plain_type
from sequin_admin.credentials.properties import Properties

OURS = ("example", "match", "ours", "filled", "multiline")
BY_TYPE: dict[Any, Any] = {bool: False, list: ["read", "write"]}


class Api(NinjaAPI):
    """Ninja's API with short operation ids and an example for every kind."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        schemas = document["components"]["schemas"]
        for kind in kinds.all():
            shape = schemas[kind.properties_class.__name__]
            for name, declared in shape["properties"].items():
                translate(declared, required=name in shape["required"])
        for path in document["paths"].values():
            if "post" in path:
                describe_idempotency(path["post"])
        operations = (
            operation for path in document["paths"].values() for operation in path.values()
        )
        body = next(o for o in operations if o["operationId"] == "import_credential")["requestBody"]
        body["content"]["application/json"]["examples"] = {
            kind.slug: {"summary": kind.full_title(), "value": example_of(kind)}
            for kind in kinds.all()
        }
        document["webhooks"] = webhook_shapes.described()
        return document


def describe_idempotency(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append(idempotency.PARAMETER)
    for status, answer in operation["responses"].items():
        if 200 <= int(status) < 300:
            answer["headers"] = {idempotency.REPLAYED: idempotency.REPLAYED_HEADER}


def translate(declared: dict[str, Any], *, required: bool) -> None:
    """From the words of `Property()` to those of JSON Schema."""
    extra = {name: declared.pop(name) for name in OURS if name in declared}
    if extra.get("match"):
        declared["pattern"] = f"^(?:{extra['match']})$"
    elif required and declared.get("type") == "string" and "const" not in declared:
        declared["minLength"] = 1
    if extra.get("filled"):
        told = declared.get("description", "")
        declared["description"] = f"{told} Filled in by us; you may leave it out.".lstrip()


def example_of(kind: Any) -> dict[str, Any]:
    declared: type[Properties] = kind.properties_class
    asked = [name for name in declared.names() if not declared.declared(name).get("filled")]
    values = {name: example_value(declared, name) for name in asked}
    return {"properties": {"kind": kind.slug, **values}, "metadata": {"customer": "arrakis"}}


def example_value(declared: type[Properties], name: str) -> Any:
    plain = plain_type(declared.model_fields[name].annotation)
    example = str(declared.declared(name).get("example") or "")
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if plain is int:
        return int(example or 3600)
    return example or BY_TYPE.get(get_origin(plain) or plain, "...")
