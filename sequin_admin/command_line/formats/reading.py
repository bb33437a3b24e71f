"""The result of parsing a file: credentials to import, and problems by row without values."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sequin_admin.command_line.formats import strict
from sequin_admin.command_line.formats.shapes import Shape
from sequin_admin.command_line.formats.strict import Unreadable

MASK = "***"
# What the server shows for a secret: it keeps the one that it has, or refuses the row.
KEPT = "***********"
TAKEN = ("name", "properties", "oauth_app_id", "metadata", "rate_limit")
# Other fields of an export, which the server sets itself.
GIVEN = ("id", "provider", "kind", "oauth_app", "health", "created_at", "updated_at")
# What a report of refused rows adds to each of them.
REASON = "refused_because"


__all__ = [
    "REASON",
    "Item",
    "Problem",
    "Reading",
    "Unreadable",
    "missing",
    "quotable",
    "with_reason",
]


def quotable(name: str, otherwise: str) -> str:
    """A name from the file, for a sentence; `otherwise` for one with digits or signs, which may be
    a secret at a wrong place."""
    return name if re.fullmatch(r"[A-Za-z_-]{1,60}", name) else otherwise


@dataclass(frozen=True)
class Item:
    """One credential as `POST /v1/credentials` takes it. `label` is what its file calls it, `note`
    a warning about what it may have lost before."""

    row: int
    body: Mapping[str, Any]
    label: str = ""
    note: str = ""

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
    # The rows as they stand in the file.
    sources: dict[int, Any] = field(default_factory=dict)

    def report(self, reasons: Mapping[int, str]) -> str:
        """The rows of the file with these numbers, and why each was refused, as a file that can be
        corrected and imported."""
        rows = [with_reason(self.sources[row], reason) for row, reason in reasons.items()]
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"

    def take(
        self,
        row: int,
        body: Any,
        shapes: Mapping[str, Shape],
        label: str = "",
        note: str = "",
    ) -> None:
        """Add a row in our own format as an item, or as a problem when it is invalid."""
        reasons = faults(body, shapes)
        if reasons:
            self.problems.append(Problem(row, " ".join(reasons), label))
        else:
            kept = {name: body[name] for name in TAKEN if body.get(name) is not None}
            self.items.append(Item(row, kept, label, note))

    def refuse(self, row: int, sentence: str, label: str = "") -> None:
        self.problems.append(Problem(row, sentence, label))


def with_reason(source: object, reason: str, name: str = "value") -> dict[str, Any]:
    """A row and why it was refused; one that is no object gets this name in it."""
    row = source if isinstance(source, dict) else {name: source}
    return {**row, REASON: reason}


def faults(body: Any, shapes: Mapping[str, Shape]) -> list[str]:
    """Messages about what the server would reject. The server validates the rest."""
    if not isinstance(body, dict):
        return ["This is not an object with properties."]
    properties = body.get("properties")
    if not isinstance(properties, dict):
        return ["It has no object `properties`. Put `kind` and the kind's properties into one."]
    kind = properties.get("kind")
    shape = shapes.get(kind) if isinstance(kind, str) else None
    if shape is None:
        return [f"Its properties name no kind that is known: {', '.join(shapes)}."]
    if not sendable(body):
        return ["It holds what can't be stored: NUL, half a surrogate pair, NaN or Infinity."]
    rounded = [path for path, value in numbers_in(body) if is_rounded(value)]
    if rounded:
        return [f"{listed(rounded)} rounded by many readers: write it as text, in quotes."]
    return [*unknown(body, properties, shape), *missing(properties, shape)]


def numbers_in(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and values of the numbers in a JSON value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers_in(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_in(inner, path)
    elif isinstance(value, int | float):
        yield path, value


def is_rounded(number: float) -> bool:
    """Whether a float (IEEE 754 binary64) can't hold the number, or did not hold what was
    written."""
    if isinstance(number, float):
        return isinstance(number, strict.RoundedFloat)
    try:
        return int(float(number)) != number
    except OverflowError:
        return True


def unknown(body: dict[str, Any], properties: dict[str, Any], shape: Shape) -> list[str]:
    strange = [name for name in body if name not in (*TAKEN, *GIVEN, REASON)]
    strange += [f"properties.{name}" for name in properties if name not in ("kind", *shape.types)]
    if {"", "metadata."} & {*strange}:
        return ["A column or a property without a name holds something: name it, or empty it."]
    it = "them" if len(strange) > 1 else "it"
    return [f"{listed(strange)} not known here: remove {it}."] if strange else []


def missing(properties: dict[str, Any], shape: Shape) -> list[str]:
    empty = [name for name in shape.required if properties.get(name) in (None, "")]
    masked = [
        name for name in shape.secret if is_masked(properties.get(name)) and name not in empty
    ]
    said = [f"{listed(empty)} missing."] if empty else []
    if masked:
        said.append(f"{listed(masked)} masked: export with sequin-admin credentials export.")
    return said


def is_masked(value: object) -> bool:
    """Whether another program has put its own mask in place of a secret."""
    return str(value or "").startswith(MASK) and value != KEPT


def sendable(body: object) -> bool:
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
