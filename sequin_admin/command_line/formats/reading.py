"""The result of parsing a file: credentials to import, and problems by row without values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sequin_admin.command_line.formats.shapes import Shape

MASK = "***"
# What the server shows for a secret: it keeps the one that it has, or refuses the row.
KEPT = "***********"
TAKEN = ("name", "properties", "oauth_app_id", "metadata", "rate_limit")
# Other fields of an export, which the server sets itself.
GIVEN = ("id", "provider", "kind", "oauth_app", "health", "created_at", "updated_at")


class Unreadable(ValueError):
    """The file as a whole can't be parsed. `str()` says why."""


@dataclass(frozen=True)
class Item:
    """One credential as `POST /v1/credentials` takes it. `label` is what its file calls it."""

    row: int
    body: Mapping[str, Any]
    label: str = ""

    @property
    def kind(self) -> str:
        return str(self.body["properties"]["kind"])


@dataclass(frozen=True)
class Problem:
    """Why a row is not imported, and what to do."""

    row: int
    sentence: str
    label: str = ""


@dataclass
class Reading:
    """Parsed rows, numbered from 1; in a CSV file by line, so that an editor finds them."""

    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take(self, row: int, body: Any, shapes: Mapping[str, Shape], label: str = "") -> None:
        """Add a row in our own format as an item, or as a problem when it is invalid."""
        reasons = faults(body, shapes)
        if reasons:
            self.problems.append(Problem(row, " ".join(reasons), label))
        else:
            kept = {name: body[name] for name in TAKEN if body.get(name) is not None}
            self.items.append(Item(row, kept, label))

    def refuse(self, row: int, sentence: str, label: str = "") -> None:
        self.problems.append(Problem(row, sentence, label))


def faults(body: Any, shapes: Mapping[str, Shape]) -> list[str]:
    """Messages about what the server would reject. The server validates the rest."""
    if not isinstance(body, dict):
        return ["This is not an object with properties."]
    properties = body.get("properties")
    if not isinstance(properties, dict):
        return ["It has no object `properties`."]
    kind = properties.get("kind")
    shape = shapes.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return [f"Its properties name no kind that is known: {', '.join(shapes)}."]
    if not sendable(body):
        return ["It holds what can't be stored: NUL, half a surrogate pair, NaN or Infinity."]
    return [*unknown(body, properties, shape), *missing(properties, shape)]


def unknown(body: dict[str, Any], properties: dict[str, Any], shape: Shape) -> list[str]:
    strange = [name for name in body if name not in (*TAKEN, *GIVEN)]
    strange += [f"properties.{name}" for name in properties if name not in ("kind", *shape.types)]
    return [f"{listed(strange)} not known here: remove it."] if strange else []


def missing(properties: dict[str, Any], shape: Shape) -> list[str]:
    empty = [name for name in shape.required if properties.get(name) in (None, "")]
    masked = [
        name for name in shape.secret if is_masked(properties.get(name)) and name not in empty
    ]
    said = [f"{listed(empty)} missing."] if empty else []
    if masked:
        said.append(f"{listed(masked)} masked: export with sequin-admin credentials export.")
    return said


def is_masked(value: Any) -> bool:
    """Whether another program has put its own mask in place of a secret."""
    return str(value or "").startswith(MASK) and value != KEPT


def sendable(body: Any) -> bool:
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return "\\u0000" not in text


def listed(names: Sequence[str]) -> str:
    """`a` is / `a` and `b` are"""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) == 1:
        return f"{quoted[0]} is"
    return f"{', '.join(quoted[:-1])} and {quoted[-1]} are"
