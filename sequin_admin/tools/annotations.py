"""Types that say nothing: each `Any`, and each `type: ignore`."""

import ast
import re
from collections.abc import Iterable, Iterator

from sequin_admin.tools.sources import DJANGO_METHODS, FUNCTIONS, Function, Source

IGNORE = re.compile(r"#\s*type:\s*ignore")


def ignored_types(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for number, line in enumerate(source.text.splitlines(), 1):
            if IGNORE.search(line):
                yield f"{source.path}:{number}"


def any_types(sources: Iterable[Source]) -> Iterator[str]:
    """Each `Any` but in `dict[str, Any]`, `*args: Any`, `**kwargs: Any` and overrides of Django."""
    for source in sources:
        excused = {id(node) for node in excused_annotations(source.tree)}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Name) and node.id == "Any" and id(node) not in excused:
                yield source.at(node)


def excused_annotations(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node) == "dict[str, Any]":
            yield from ast.walk(node)
        elif isinstance(node, FUNCTIONS):
            yield from (star.annotation for star in stars(node) if star.annotation)
        elif isinstance(node, ast.ClassDef) and node.bases:
            for method in node.body:
                if isinstance(method, FUNCTIONS) and method.name in DJANGO_METHODS:
                    yield from ast.walk(method.args)
                    yield from ast.walk(method.returns) if method.returns else ()


def stars(function: Function) -> Iterator[ast.arg]:
    yield from filter(None, (function.args.vararg, function.args.kwarg))
