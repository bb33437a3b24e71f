"""The language of every search: words, "phrases", and filters such as `status:customer`.

A row is found when it holds every word and passes every filter. What each filter of a list means
stands beside its rows; a name that no filter has is a key of the metadata, or text.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import cast
from uuid import UUID

from django.db.models import Q

# Longer texts are cut off: nobody looks for more.
CHARS, TERMS = 300, 20
UUID_DIGITS = 32
TERM = re.compile(
    r'(?P<key>[^\s":]+):(?:"(?P<quoted>[^"]*)(?:"|$)|(?P<bare>[^\s"]\S*))'
    r'|"(?P<phrase>[^"]*)(?:"|$)'
    r"|(?P<word>\S+)"
)


class InvalidFilter(ValueError):
    """A filter that no row can pass, such as `status:green`. `str()` is the sentence."""

    def __init__(self, term: "Term", sentence: str) -> None:
        super().__init__(sentence)
        self.term = term


@dataclass(frozen=True)
class Term:
    """A word or a phrase; with a key, a filter. `text` is how it was written."""

    text: str
    value: str
    key: str = ""

    @property
    def written(self) -> str:
        """A filter as a name may have it: `note:paid`."""
        return f"{self.key}:{self.value}"


Filter = Callable[[Term], Q]


def parse_search(text: str) -> list[Term]:
    """The terms of the text, each once, in the order in which they are written."""
    found = (term_of(match) for match in TERM.finditer(text.replace("\0", "")[:CHARS]))
    return list(dict.fromkeys(term for term in found if term.value))[:TERMS]


def term_of(match: re.Match[str]) -> Term:
    parts = match.groupdict()
    if parts["key"] is not None:
        value = parts["bare"] if parts["quoted"] is None else parts["quoted"]
        return Term(match[0], value, parts["key"])
    return Term(match[0], parts["word"] if parts["phrase"] is None else parts["phrase"])


def without_term(text: str, term: Term) -> str:
    """The text without this term."""
    return " ".join(each.text for each in parse_search(text) if each != term)


def all_of(conditions: list[Q]) -> Q:
    return reduce(and_, conditions, Q())


def through(relation: str, condition: Q) -> Q:
    """The condition, made for the rows of a relation, for those that have it."""
    children = [
        (f"{relation}__{each[0]}", each[1])
        if isinstance(each, tuple)
        else through(relation, cast(Q, each))
        for each in condition.children
    ]
    return Q(*children, _connector=condition.connector, _negated=condition.negated)


def by_id(term: Term) -> Q:
    """Rows whose UUID is, or begins with, the value. Raises `InvalidFilter`."""
    digits = term.value.replace("-", "").lower()
    if not re.fullmatch(rf"[0-9a-f]{{1,{UUID_DIGITS}}}", digits):
        raise InvalidFilter(term, "An id has the digits 0 to 9 and a to f: id:1f3a99c2.")
    first, last = (UUID(digits.ljust(UUID_DIGITS, end)) for end in "0f")
    return Q(pk__gte=first, pk__lte=last)


def pairs_of(term: Term) -> Q:
    """Rows whose metadata has the key with the value: as text, or as a number, true or false."""
    found = Q(metadata__has_pairs={term.key: term.value})
    other = read_scalar(term.value)
    return found if other is None else found | Q(metadata__has_pairs={term.key: other})


def read_scalar(text: str) -> bool | int | float | None:
    """The number, true or false that the text is in JSON; None for anything else."""
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    is_scalar = isinstance(value, bool | int | float)
    return value if is_scalar and value not in (float("inf"), float("-inf")) else None


def by_choice(values: Mapping[str, Q], also: Mapping[str, Q]) -> Filter:
    """A filter with these values, whatever their case; those of `also` are not offered."""

    def condition(term: Term) -> Q:
        found = {**also, **values}.get(term.value.casefold())
        if found is None:
            raise InvalidFilter(term, f"{term.key} is one of {', '.join(values)}.")
        return found

    return condition
