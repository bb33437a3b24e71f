"""Parsers for files of credentials: bytes in, credentials and problems by row out; no I/O.

Malformed rows become problems, never exceptions; no problem quotes a value of the file.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import yaml

from sequin_admin.command_line.formats import airflow, n8n, nango, ours, strict, table
from sequin_admin.command_line.formats.reading import Item, Problem, Reading, Unreadable
from sequin_admin.command_line.formats.shapes import Shape, shapes_of

__all__ = ["Format", "Item", "Problem", "Reading", "Shape", "Unreadable", "read", "shapes_of"]

# As YAML its numbers would be texts.
MEANT_AS_JSON = re.compile(r"\s*\[?\s*\{\s*\"")
Format = Literal["auto", "json", "csv", "airflow", "nango", "n8n"]
# The first bytes of .xlsx and other zip files, of .xls, and of gzip.
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")
WORKBOOK = (
    "This is a workbook of a spreadsheet, or a packed file, not text. Save the sheet as CSV UTF-8, "
    "or unpack the file, and import that."
)
NO_TEXT = "The file is not text in UTF-8. Save it as that: in Excel, as CSV UTF-8."
WEB_PAGE = (
    "This is a web page or XML: perhaps the page where one signs in, instead of the file. Get the "
    "file itself."
)
# As JSON or YAML its mistakes are told by their place.
MEANT_AS_YAML = re.compile(r"^[ \t-]*(properties|conn_type)[ \t]*:", re.MULTILINE)
UNKNOWN = (
    "The file is none of what is known here: our JSON or CSV (whose first line names its columns, "
    "`kind` among them), Airflow's connections as JSON, YAML or AIRFLOW_CONN_ variables, Nango's "
    "or n8n's as JSON."
)


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
    if format in ("airflow", "auto") and (rows := airflow.rows_of_env(text)):
        return airflow.read(rows, shapes, kinds)
    value, is_text = parsed(text)
    known = looks_like(value) if format == "auto" else format
    if known == "json" and value is not None:
        return ours.read(value, shapes, is_text=is_text)
    if known == "nango" and value is not None:
        return nango.read(value, shapes, kinds)
    if known == "n8n" and value is not None:
        return n8n.read(value, shapes, kinds)
    if known == "airflow" and (connections := airflow.rows_of(value)) is not None:
        return airflow.read(connections, shapes, kinds)
    raise Unreadable(UNKNOWN)


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark. Raises `Unreadable`."""
    if data.startswith(WORKBOOKS):
        raise Unreadable(WORKBOOK)
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(NO_TEXT) from None
    if "\0" in text:
        raise Unreadable(NO_TEXT)
    if text.lstrip().startswith("<"):
        raise Unreadable(WEB_PAGE)
    if not text.strip():
        raise Unreadable("The file is empty. Was it saved, and is this the right one?")
    return text


def parsed(text: str) -> tuple[Any, bool]:
    """The value of JSON, JSON lines or a YAML object, and whether its scalars are all texts (YAML);
    None when `text` is none of them. Raises `Unreadable` for a name that comes twice, and for JSON
    with a mistake."""
    mistakes = []
    for load in (strict.load_json, load_lines):
        try:
            return load(text), False
        except json.JSONDecodeError as mistake:
            mistakes.append(mistake)
        except Unreadable:
            raise
        except (ValueError, RecursionError):
            pass
    if mistakes and MEANT_AS_JSON.match(text):
        one_a_line = mistakes[0].msg == "Extra data"
        found = mistakes[-1 if one_a_line else 0]
        raise Unreadable(
            f"Line {found.lineno}, column {found.colno} is not valid JSON. Mend it: look for a "
            "comma too many or missing, or a quote."
        )
    try:
        value = strict.load_yaml(text)
    except Unreadable:
        raise
    except yaml.MarkedYAMLError as mistake:
        mark = mistake.problem_mark
        if mark and MEANT_AS_YAML.search(text):
            raise Unreadable(
                f"Line {mark.line + 1}, column {mark.column + 1} is not valid YAML. Mend it: look "
                "for a tab, the indentation, or a quote."
            ) from None
        return None, True
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        return None, True
    return value if isinstance(value, dict | list) else None, True


def load_lines(text: str) -> Any:
    values = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            values += [strict.load_json(line)] if line.strip() else []
        except json.JSONDecodeError as mistake:
            mistake.lineno = number
            raise
    return values or None


def looks_like(value: Any) -> Format | None:
    listed = value.get("connections") if isinstance(value, dict) else None
    if isinstance(listed, list):
        of_airflow = any(isinstance(row, dict) and "conn_type" in row for row in listed)
        return "airflow" if of_airflow else "nango"
    rows = [row for row in ours.rows_of(value) if isinstance(row, dict)]
    if any("provider_config_key" in row for row in rows):
        return "nango"
    if any("properties" in row for row in rows):
        return "json"
    if any(n8n.is_credential(row) for row in rows):
        return "n8n"
    if isinstance(value, list) and any("conn_type" in row for row in rows):
        return "airflow"
    if any("kind" in row for row in rows):
        return "json"
    if isinstance(value, dict) and any(is_connection(of) for of in value.values()):
        return "airflow"
    return None


def is_connection(value: Any) -> bool:
    if isinstance(value, dict):
        return "conn_type" in value or airflow.ADDRESS in value
    return "://" in str(value)
