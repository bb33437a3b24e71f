"""Docstrings that are wanted and not there."""

import ast
from collections.abc import Iterable, Iterator

from sequin_admin.tools.shapes import outermost_functions
from sequin_admin.tools.sources import DJANGO_METHODS, FUNCTIONS, Function, Source, is_public

# Classes that Django or pydantic finds by their name or that say in `help` what they do.
UNDOCUMENTED = {"Meta", "Command", "Media"}


def undocumented_classes(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and is_public(node.name):
                known = node.name in UNDOCUMENTED or "AppConfig" in map(ast.unparse, node.bases)
                if not known and not ast.get_docstring(node):
                    yield f"{source.at(node)} {node.name}"


def undocumented_raises(sources: Iterable[Source]) -> Iterator[str]:
    """Public functions with a `raise` of their own, but inner ones and those that Django names."""
    for source in sources:
        for function in outermost_functions(source.tree):
            known = function.name in DJANGO_METHODS or function.name.startswith("clean_")
            if known or not is_public(function.name) or ast.get_docstring(function):
                continue
            if any(isinstance(node, ast.Raise) and node.exc for node in own_nodes(function)):
                yield f"{source.at(function)} {function.name}"


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions in it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            waiting += ast.iter_child_nodes(node)
