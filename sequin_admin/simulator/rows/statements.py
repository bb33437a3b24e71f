"""Reads `SELECT ... FROM ... WHERE ...`, of which each provider has a dialect of its own."""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sequin_admin.simulator.rows.collection import parse_time

TOKENS = re.compile(
    r"\s*(?:'((?:[^'\\]|\\.|'')*)'|(<=|>=|!=|<>|[=<>(),*])"
    r"|(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)|([\w.%+-]+))"
)
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")
Place = tuple[float, str]
COMPARE: dict[str, Callable[[Place, Place], object]] = {
    **{"=": operator.eq, "!=": operator.ne, "<>": operator.ne},
    **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
}
CONSTANTS = {"true": True, "false": False, "null": None}
Known = dict[str, Any]
Test = Callable[[Known], bool]


class StatementError(Exception):
    """The statement cannot be parsed; the message says where."""


@dataclass(frozen=True)
class Condition:
    """`test` tells whether a row fits, by its values in lower-case names. `bounds` are moments (ms)
    by name: what fits has no smaller value there."""

    test: Test
    bounds: dict[str, int] = field(default_factory=dict)


@dataclass
class Statement:
    """Names are in lower case. `order` has pairs of a name and whether it descends; `numbers` are
    those of `limit`, `offset`, `startposition` and `maxresults`."""

    fields: list[str]
    source: str
    condition: Condition | None
    order: list[tuple[str, bool]]
    numbers: dict[str, int]


def comparable(value: object) -> Place:
    """Numbers and times (as milliseconds) by their size, and after them texts, in lower case."""
    if isinstance(value, bool | int | float):
        return float(value), ""
    text = str(value)
    if NUMBER.fullmatch(text):
        return float(text), ""
    at_ms = parse_time(text) if text[:2] in ("19", "20") else None
    return (math.inf, text.lower()) if at_ms is None else (float(at_ms), "")


def compare(sign: str, value: object, other: object) -> bool:
    if value is None or other is None:
        same = value is other
        return same if sign == "=" else not same and sign in ("!=", "<>")
    return bool(COMPARE[sign](comparable(value), comparable(other)))


class StatementParser:
    """A recursive descent. Raises `StatementError`."""

    def __init__(self, text: str) -> None:
        self.tokens, self.at = self._split(text), 0

    @staticmethod
    def _split(text: str) -> list[tuple[str, str]]:
        """Pairs of a sort (`text`, `sign`, `time`, `word`) and a value."""
        tokens, place, text = list[tuple[str, str]](), 0, text.rstrip().removesuffix(";")
        while place < len(text.rstrip()):
            found = TOKENS.match(text, place)
            if not found:
                raise StatementError(f"unexpected {text[place : place + 20].strip()!r}")
            sort = ("text", "sign", "time", "word")[(found.lastindex or 1) - 1]
            value = found[found.lastindex or 1]
            tokens.append((sort, re.sub(r"\\(.)|''", lambda m: m[1] or "'", value)))
            place = found.end()
        return tokens

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def _accept(self, *words: str) -> bool:
        """Step over these words, if they come next."""
        coming = [value.lower() for _, value in self.tokens[self.at : self.at + len(words)]]
        if coming != list(words) or self._peek()[0] == "text":
            return False
        self.at += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise StatementError(f"expected {word.upper()}, found {self._peek()[1]!r}")

    def _word(self) -> str:
        sort, value = self._peek()
        if sort != "word":
            raise StatementError(f"expected a name, found {value!r}")
        self.at += 1
        return value.lower()

    def parse(self) -> Statement:
        """Raises `StatementError`."""
        self._expect("select")
        fields = self._fields()
        self._expect("from")
        source = self._word()
        condition = self._or() if self._accept("where") else None
        order = self._order() if self._accept("order", "by") else []
        numbers = {}
        while self.at < len(self.tokens):
            name, number = self._word(), self._word()
            if name not in ("limit", "offset", "startposition", "maxresults") or not (
                number.isascii() and number.isdigit() and len(number) < 12
            ):
                raise StatementError(f"unexpected {name!r}")
            numbers[name] = int(number)
        return Statement(fields, source, condition, order, numbers)

    def _fields(self) -> list[str]:
        fields = list[str]()
        while not fields or self._accept(","):
            if self._accept("*"):
                fields.append("*")
                continue
            name = self._word()
            if self._accept("("):
                inner = "" if self._accept(")") else self._inner()
                name = f"{name}({inner})"
            fields.append(name)
        return fields

    def _inner(self) -> str:
        inner = "*" if self._accept("*") else self._word()
        self._expect(")")
        return inner

    def _order(self) -> list[tuple[str, bool]]:
        order = list[tuple[str, bool]]()
        while not order or self._accept(","):
            name = self._word()
            descends = not self._accept("asc") and self._accept("desc")
            order.append((name, descends))
        return order

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        if len(parts) == 1:
            return parts[0]
        shared = set.intersection(*(set(part.bounds) for part in parts))
        bounds = {name: min(part.bounds[name] for part in parts) for name in shared}
        return Condition(lambda known: any(part.test(known) for part in parts), bounds)

    def _and(self) -> Condition:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        bounds = dict[str, int]()
        for part in parts:
            bounds |= {n: max(at, bounds.get(n, at)) for n, at in part.bounds.items()}
        return Condition(lambda known: all(part.test(known) for part in parts), bounds)

    def _one(self) -> Condition:
        if self._accept("("):
            inner = self._or()
            self._expect(")")
            return inner
        name = self._word()
        if self._accept("in"):
            return self._in(name)
        sort, sign = self._peek()
        if sort != "sign" or sign not in COMPARE:
            raise StatementError(f"unexpected {sign!r}")
        self.at += 1
        value = self._value()
        moment = parse_time(value) if isinstance(value, str) else None
        bounds = {name: moment} if moment is not None and sign in (">", ">=", "=") else {}
        return Condition(lambda known: compare(sign, known.get(name), value), bounds)

    def _in(self, name: str) -> Condition:
        self._expect("(")
        values = [self._value()]
        while self._accept(","):
            values.append(self._value())
        self._expect(")")
        return Condition(
            lambda known: any(compare("=", known.get(name), value) for value in values)
        )

    def _value(self) -> str | bool | None:
        sort, value = self._peek()
        if sort not in ("text", "time", "word"):
            raise StatementError(f"expected a value, found {value!r}")
        self.at += 1
        if sort == "word" and self._accept("("):
            return self._argument()
        return CONSTANTS.get(value.lower(), value) if sort == "word" else value

    def _argument(self) -> str | bool | None:
        """The first argument of a function, such as TO_DATE, whose value it is."""
        value = self._value()
        while self._accept(","):
            self._value()
        self._expect(")")
        return value
