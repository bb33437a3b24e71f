"""The handbook and the security page: Markdown files of this folder, as pages.

A block of `console` is run by a test, one of `sh` is not. A quote is a sentence that the product
shows, with … for what differs.
"""

import itertools
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER = Path(__file__).parent
# Titles of the pages, by the names of their files.
PAGES = {"operate": "Operate", "runbooks": "Runbooks", "security": "Security"}
DEEPEST_LISTED = "h2"


@dataclass(frozen=True)
class HandbookPage:
    """`sections` are anchor and title of each."""

    title: str
    html: SafeString
    sections: tuple[tuple[str, str], ...]


@cache
def load_page(name: str) -> HandbookPage:
    """Raises `KeyError` for a page that is none."""
    title = PAGES[name]
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    # The page has its title already.
    tokens = tokens[3:]
    sections = []
    for heading, content in itertools.pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor_of(content.content))
            if heading.tag == DEEPEST_LISTED:
                sections.append((anchor_of(content.content), content.content))
        for link in links_in(content):
            link.attrSet("href", address_of(str(link.attrGet("href"))))
    html = mark_safe(parser.renderer.render(tokens, parser.options, {}))  # noqa: S308 - our own text
    return HandbookPage(title, html, tuple(sections))


def links_in(token: Token) -> list[Token]:
    return [child for child in token.children or () if child.type == "link_open"]


def anchor_of(heading: str) -> str:
    """As GitHub makes it, where the files are read too."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def address_of(link: str) -> str:
    """The page of a file of this folder; any other link as it is."""
    name, dot_md, anchor = link.partition(".md")
    return f"/docs/{name}/{anchor}" if dot_md and name in PAGES else link
