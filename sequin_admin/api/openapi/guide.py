"""The introduction of the reference page, from the Markdown files beside this module."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
INTRODUCTION = (FOLDER / "introduction.md").read_text(encoding="utf-8").strip()
# Where this API differs from the original Management API, and why.
DIFFERENCES = (FOLDER / "differences.md").read_text(encoding="utf-8").strip()


def differences() -> dict[str, str]:
    """The paragraph of each difference, by its topic."""
    return {
        topic: paragraph
        for paragraph in DIFFERENCES.split("\n\n")
        for topic in re.findall(r"\A\*\*(.+?)\.\*\*", paragraph, re.DOTALL)
    }


def introduction(base: str) -> str:
    """The whole introduction, in Markdown, with this installation's address."""
    values = {"base": base, "count": str(len(differences())), "differences": DIFFERENCES}
    text = INTRODUCTION
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
