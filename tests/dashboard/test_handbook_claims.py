"""Each claim of the handbook has a test, or why there is none: `handbook_claims.txt`."""

import re
from functools import cache

import pytest

from sequin_admin.core.env import ROOT
from tests.dashboard.test_handbook import text_of

TESTS = ROOT / "tests"
PAGES = ("operate", "runbooks", "security")
# What begins a claim of its own: a point, a step, a row.
BEGINS = re.compile(r"- |\d+\. |\| ")


@cache
def claims():
    """By page: pieces of its text with what shows them."""
    found, page = {}, ""
    for line in (TESTS / "dashboard/handbook_claims.txt").read_text().splitlines():
        if line.startswith("## "):
            page = line.removeprefix("## ")
        elif page and line:
            piece, _, shown_by = line.partition(" => ")
            found.setdefault(page, {})[piece] = shown_by
    return found


def paragraphs(text):
    """Points and rows too, each on one line; not the product's sentences and what is run."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    blocks = [[]]
    for line in text.splitlines():
        if not line.strip() or line.startswith(("#", "> ", "| ---")):
            blocks.append([])
        elif BEGINS.match(line):
            blocks.append([line])
        else:
            blocks[-1].append(line)
    return [" ".join(" ".join(block).split()) for block in blocks if block]


@pytest.mark.parametrize("page", PAGES)
def test_no_paragraph_is_left_out(page):
    named = claims()[page]

    assert [p for p in paragraphs(text_of(page)) if not any(piece in p for piece in named)] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_is_said(page):
    said = paragraphs(text_of(page))

    assert [piece for piece in claims()[page] if not any(piece in p for p in said)] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_test_that_is_named_is_one(page):
    missing = []
    for shown_by in claims()[page].values():
        if shown_by.startswith("no: "):
            continue
        for name in shown_by.split(", "):
            path, _, function = name.partition("::")
            if f"def test_{function}(" not in (TESTS / path).read_text():
                missing.append(name)

    assert len(claims()[page]) > 50
    assert missing == []
