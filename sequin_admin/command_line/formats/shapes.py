"""The kinds as declared by the server, and conversion to their properties' types."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

YES, NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
# What a spreadsheet makes of a long number; with a comma in most of Europe.
ROUNDED = re.compile(r"-?[0-9]([.,][0-9]+)?[Ee]\+[0-9]{2,}")
WORDS = {"integer": "a whole number", "boolean": "true or false", "string[]": "a list"}


@dataclass(frozen=True)
class Shape:
    """A kind's properties by type (string, integer, boolean, string[]), without `kind` itself."""

    kind: str
    provider: str
    types: Mapping[str, str]
    required: tuple[str, ...]
    secret: tuple[str, ...]
    needs_oauth_app: bool = False

    def value(self, name: str, given: Any) -> Any:
        """`given` as the property's type. Raises `ValueError`, whose message omits the value."""
        wanted = self.types[name]
        try:
            return CONVERT.get(wanted, to_text)(given)
        except (ValueError, TypeError, RecursionError):
            raise ValueError(f"`{name}` must be {WORDS.get(wanted, 'text')}.") from None


def shapes_of(kinds: Iterable[Mapping[str, Any]]) -> dict[str, Shape]:
    """Shapes by kind, from the rows of `GET /v1/kinds`."""
    return {row["kind"]: shape_of(row) for row in kinds}


def shape_of(row: Mapping[str, Any]) -> Shape:
    declared = [of for of in row["properties"] if of["name"] != "kind"]
    return Shape(
        kind=row["kind"],
        provider=row["provider"],
        types={of["name"]: of["type"] for of in declared},
        required=tuple(of["name"] for of in declared if of["required"]),
        secret=tuple(of["name"] for of in declared if of["secret"]),
        needs_oauth_app=bool(row["oauth"] and row["oauth"]["needs_oauth_app"]),
    )


def to_text(given: Any) -> str:
    """Text of a text, whole number or list. Raises `ValueError`."""
    if isinstance(given, list):
        return " ".join(to_text(part) for part in given)
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError("Not a text.")
    return str(given)


def to_integer(given: Any) -> int | str:
    """A text with digits and more is left to the server: it may be 21 902 692, or an address."""
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError("Not a whole number.")
    if isinstance(given, int) or re.fullmatch(r"\s*-?[0-9]{1,19}\s*", given):
        return int(given)
    if ROUNDED.fullmatch(given.strip()) or not re.search(r"[0-9]", given):
        raise ValueError("Not a whole number.")
    return given


def to_boolean(given: Any) -> bool:
    """True or false of a word. Raises `ValueError`."""
    word = str(given).strip().lower()
    if word not in (*YES, *NO):
        raise ValueError("Neither true nor false.")
    return word in YES


def to_list(given: Any) -> list[str]:
    """Texts of a list, of JSON or of words. Raises `ValueError`."""
    if isinstance(given, str):
        # As JSON has it, or without its brackets and quotes.
        bare = re.sub(r"\A\s*\[|\]\s*\Z", "", given)
        parts = (part.strip("\"'") for part in re.split(r"[\s,;]+", bare))
        given = [part for part in parts if part]
    if not isinstance(given, list):
        raise ValueError("Not a list.")
    return [to_text(part) for part in given]


CONVERT = {"integer": to_integer, "boolean": to_boolean, "string[]": to_list}
