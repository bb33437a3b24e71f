"""Our own JSON: a list, `{"data": [...]}` as exported, one credential, or JSON lines."""

from collections.abc import Mapping
from typing import Any

from sequin_admin.command_line.formats.reading import Reading
from sequin_admin.command_line.formats.shapes import Shape


def read(value: Any, shapes: Mapping[str, Shape]) -> Reading:
    reading = Reading()
    for row, body in enumerate(rows_of(value), start=1):
        name = body.get("name") if isinstance(body, dict) else ""
        reading.take(row, body, shapes, label=name if isinstance(name, str) else "")
    return reading


def rows_of(value: Any) -> list[Any]:
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    return value if isinstance(value, list) else [value]
