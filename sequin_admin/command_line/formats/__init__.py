"""Parsers for files of credentials: bytes in, credentials and problems by row out; no I/O.

Malformed rows become problems, never exceptions; no problem quotes a value of the file.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

import yaml

from sequin_admin.command_line.formats import airflow, nango, ours, table
from sequin_admin.command_line.formats.reading import Item, Problem, Reading, Unreadable
from sequin_admin.command_line.formats.shapes import Shape, shapes_of

__all__ = ["Format", "Item", "Problem", "Reading", "Shape", "Unreadable", "read", "shapes_of"]

Format = Literal["auto", "json", "csv", "airflow", "nango"]
UNKNOWN = (
    "The file is none of what is known here: our JSON or CSV (whose first line names its columns, "
    "`kind` among them), Airflow's connections as JSON or YAML, Nango's as JSON."
)


class PlainLoader(yaml.SafeLoader):
    """YAML without aliases, and with timestamps as strings."""

    yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise Unreadable("The YAML refers to parts of itself. Write them out.")
        return super().compose_node(parent, index)


def read(
    data: bytes,
    format: Format,
    shapes: Mapping[str, Shape],
    kinds: Mapping[str, str] | None = None,
) -> Reading:
    """Parse a file; `auto` detects the format. Raises `Unreadable` for an unknown format."""
    text, kinds = decoded(data), kinds or {}
    if format == "csv" or (format == "auto" and table.has_header(text)):
        return table.read(text, shapes)
    value = parsed(text)
    known = looks_like(value) if format == "auto" else format
    if known == "json" and value is not None:
        return ours.read(value, shapes)
    if known == "nango" and value is not None:
        return nango.read(value, shapes, kinds)
    if known == "airflow" and isinstance(value, dict):
        return airflow.read(value, shapes, kinds)
    raise Unreadable(UNKNOWN)


def decoded(data: bytes) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The file is not text in UTF-8.") from None


def parsed(text: str) -> Any:
    """The value of JSON, JSON lines or a YAML object; None when `text` is none of them."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        return [json.loads(line) for line in lines] or None
    except (ValueError, RecursionError):
        pass
    try:
        value = yaml.load(text, PlainLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        return None
    return value if isinstance(value, dict) else None


def looks_like(value: Any) -> Format | None:
    if isinstance(value, dict) and isinstance(value.get("connections"), list):
        return "nango"
    rows = [row for row in ours.rows_of(value) if isinstance(row, dict)]
    if any("provider_config_key" in row for row in rows):
        return "nango"
    if any("properties" in row for row in rows):
        return "json"
    if isinstance(value, dict) and all(is_connection(of) for of in value.values()):
        return "airflow"
    return None


def is_connection(value: Any) -> bool:
    return "conn_type" in value if isinstance(value, dict) else "://" in str(value)
