"""The search syntax of the simulated Shopify's lists, such as `updated_at:>='2026-11-29'`.

https://shopify.dev/docs/api/usage/search-syntax
"""

import re
from collections.abc import Callable

from sequin_admin.simulator.rows.collection import Fields, parse_time
from sequin_admin.simulator.rows.statements import compare

TERM = re.compile(
    r"\s*(?:([()])|(-?)(?:(\w+):)?(:?>=|:?<=|:?>|:?<)?(?:'([^']*)'|\"([^\"]*)\"|([^\s()]+)))"
)
Test = Callable[[Fields], bool]


class SearchError(Exception):
    """The text is no search."""


class SearchParser:
    """Terms that all must fit, `OR`, `NOT` or a minus, and parentheses. `since_ms`: what fits did
    not change before."""

    def __init__(self, text: str) -> None:
        self.terms = [found for found in TERM.finditer(text) if found[0].strip()]
        self.at, self.since_ms = 0, 0
        self.simple = not re.search(r"\bOR\b|\bNOT\b|\(|(?:^|\s)-", text)

    def parse(self) -> Test:
        """Raises `SearchError`."""
        test = self._any()
        if self.at < len(self.terms):
            raise SearchError("unexpected )")
        return test

    def _word(self) -> str:
        return self.terms[self.at][0].strip() if self.at < len(self.terms) else ""

    def _any(self) -> Test:
        tests = [self._all()]
        while self._word() == "OR":
            self.at += 1
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = list[Test]()
        while self._word() not in ("", ")", "OR"):
            if self._word() == "AND":
                self.at += 1
                continue
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._word() == "NOT":
            self.at += 1
            negated = self._one()
            return lambda row: not negated(row)
        if self._word() == "(":
            self.at += 1
            inner = self._any()
            if self._word() != ")":
                raise SearchError("expected )")
            self.at += 1
            return inner
        return self._term()

    def _term(self) -> Test:
        found = self.terms[self.at]
        self.at += 1
        _, minus, name, sign, *texts = found.groups()
        text = next((one for one in texts if one is not None), "")
        test = term_test(name, (sign or "").lstrip(":") or "=", text)
        if self.simple and name == "updated_at" and sign in (">", ">="):
            self.since_ms = max(self.since_ms, parse_time(text) or 0)
        return (lambda row: not test(row)) if minus else test


def term_test(name: str | None, sign: str, text: str) -> Test:
    """By a field, in which `*` ends a beginning, or without one by all that is text."""
    if name is None:
        return lambda row: any(text.lower() in str(value).lower() for value in row.values())
    if text.endswith("*") and sign == "=":
        start = text[:-1].lower()
        return lambda row: str(row.get(name) or "").lower().startswith(start)
    return lambda row: name in row and compare(sign, row[name], text)
