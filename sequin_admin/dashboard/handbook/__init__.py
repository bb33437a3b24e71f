"""The handbook, the recipes and the security page: Markdown files of this folder, as pages.

A block of `console` is run by a test, one of `sh` is not. A block of `file` names an example, which
is shown, and run by a test. A quote is a sentence that the product shows, with … for what differs.
"""

import itertools
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sequin_admin.core.env import ROOT
from sequin_admin.dashboard.areas import named_page

FOLDER, EXAMPLES = Path(__file__).parent, ROOT / "deploy/examples"
# The names of the files, and of the URLs.
NAMES = ("operate", "runbooks", "engines", "security")
DEEPEST_LISTED = "h2"


@dataclass(frozen=True)
class HandbookPage:
    """`sections` are anchor and title of each."""

    title: str
    html: SafeString
    sections: tuple[tuple[str, str], ...]


def titles() -> dict[str, str]:
    """By their names."""
    return {name: named_page(f"dashboard:{name}").title for name in NAMES}


@cache
def load_page(name: str) -> HandbookPage:
    """Raises `KeyError` for a page that is none."""
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
    for token in tokens:
        if token.info == "file":
            # Our own HTML: Markdown's is turned off.
            token.type, token.content = "html_block", render_example(token.content.strip())
    html = mark_safe(parser.renderer.render(tokens, parser.options, {}))  # noqa: S308 - our own text
    return HandbookPage(titles()[name], html, tuple(sections))


def render_example(name: str) -> str:
    """A file of `deploy/examples`, with a button that copies it."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    shown = {"name": name, "text": text, "lines": len(text.splitlines())}
    return render_to_string("docs/example.html", shown)


def links_in(token: Token) -> list[Token]:
    return [child for child in token.children or () if child.type == "link_open"]


def anchor_of(heading: str) -> str:
    """As GitHub makes it, where the files are read too."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def address_of(link: str) -> str:
    """The page of a file of this folder; any other link as it is."""
    name, dot_md, anchor = link.partition(".md")
    return f"/docs/{name}/{anchor}" if dot_md and name in NAMES else link
