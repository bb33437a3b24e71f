"""Our own JSON: a list, `{"data": [...]}` as exported, one credential, or JSON lines; or YAML."""

from collections.abc import Mapping
from typing import Any

from sequin_admin.command_line.formats.reading import Reading
from sequin_admin.command_line.formats.shapes import Shape, to_integer


def read(value: Any, shapes: Mapping[str, Shape], *, is_text: bool = False) -> Reading:
    """`is_text`: all scalars are texts, which the kind's types decide about."""
    reading = Reading()
    for row, body in enumerate(rows_of(value), start=1):
        name = body.get("name") if isinstance(body, dict) else ""
        label = name if isinstance(name, str) else ""
        reading.sources[row] = body
        try:
            typed = with_types(body, shapes) if is_text else body
        except ValueError as reason:
            reading.refuse(row, str(reason), label)
        else:
            reading.take(row, typed, shapes, label=label)
    return reading


def with_types(body: Any, shapes: Mapping[str, Shape]) -> Any:
    """A credential of texts with the types that its kind declares. Raises `ValueError`."""
    properties = body.get("properties") if isinstance(body, dict) else None
    shape = shapes.get(str(properties.get("kind"))) if isinstance(properties, dict) else None
    if shape is None or not isinstance(properties, dict):
        return body
    values = {
        name: shape.value(name, value) if name in shape.types and value is not None else value
        for name, value in properties.items()
    }
    return body | {"properties": values} | typed_limit(body.get("rate_limit"))


def typed_limit(limit: Any) -> dict[str, Any]:
    """A `rate_limit` with numbers for texts, if there is one. Raises `ValueError`."""
    if not isinstance(limit, dict):
        return {}
    try:
        return {"rate_limit": {name: to_integer(value) for name, value in limit.items()}}
    except ValueError:
        raise ValueError("`rate_limit` must hold whole numbers.") from None


def rows_of(value: Any) -> list[Any]:
    """The list itself, or that of an export, or of the body of a bulk import."""
    for name in ("data", "credentials"):
        if isinstance(value, dict) and isinstance(value.get(name), list):
            value = value[name]
    return value if isinstance(value, list) else [value]
