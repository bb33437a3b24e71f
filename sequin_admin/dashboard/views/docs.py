"""What every kind is made of, from its declaration."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sequin_admin.access.policy import Action
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.access import Request, may


@require_GET
@may(Action.VIEW)
def kinds_page(request: Request) -> HttpResponse:
    shown = [{"kind": kind, "rows": rows_of(kind.properties_class)} for kind in kinds.all()]
    return render(request, "docs/kinds.html", {"kinds": shown})


def rows_of(declared: Any) -> list[dict[str, Any]]:
    schema = declared.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "type": type_words(schema[name]),
            "required": declared.model_fields[name].is_required(),
            "secret": declared.is_secret(name),
            "filled": declared.declared(name).get("filled"),
            "ours": declared.declared(name).get("ours"),
            "help": declared.model_fields[name].description or "",
        }
        for name in declared.names()
    ]


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
