"""The lines of a file that are compared to the letter.

Blank lines, comments, docstrings and lone punctuation are passed over, and so are imports, URL
lists and declarations (assignments in a module or class body, which hold data).
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from sequin_admin.tools.sources import FUNCTIONS

DECLARATIONS = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass(frozen=True)
class Line:
    """A counted line: what is compared, and where it stands."""

    key: str
    path: Path
    number: int


def letter_lines(path: Path, text: str) -> list[Line]:
    """The counted lines of a Python file or a template, as they are written."""
    passed = declared_lines(ast.parse(text)) if path.suffix == ".py" else set()
    return [
        Line(" ".join(line.split()), path, number)
        for number, line in enumerate(text.splitlines(), 1)
        if number not in passed and is_counted(line)
    ]


def declared_lines(tree: ast.Module) -> set[int]:
    """Lines of imports, docstrings, and of assignments outside of functions."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    nodes: list[ast.Module | ast.ClassDef] = [tree, *classes]
    passed = docstring_lines(tree)
    for statement in (statement for node in nodes for statement in node.body):
        if isinstance(statement, DECLARATIONS):
            passed |= lines_of(statement)
    return passed


def docstring_lines(tree: ast.Module) -> set[int]:
    documented = (ast.Module, ast.ClassDef, *FUNCTIONS)
    nodes = (node for node in ast.walk(tree) if isinstance(node, documented))
    found = (node.body[0] for node in nodes if ast.get_docstring(node, clean=False) is not None)
    return {number for statement in found for number in lines_of(statement)}


def lines_of(statement: ast.stmt) -> set[int]:
    return set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))


def is_counted(line: str) -> bool:
    return bool(re.search(r"\w", line)) and not line.lstrip().startswith(("#", "{#", "{% load"))
