"""How large and how plain the code is, beside the limits: `python -m sequin_admin.tools.sizes`.

Counts what is ours outside of migrations and tests. Exit code 1 when a figure is over its limit.
"""

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from statistics import median, quantiles

from django import forms
from django.core.cache.backends.base import BaseCache
from django.core.files.uploadhandler import FileUploadHandler
from django.core.management.base import BaseCommand
from django.db import models
from django.db.migrations.operations.base import Operation

from sequin_admin.tools import repeats

REPOSITORY = Path(__file__).parents[2]
PROVIDERS = Path("sequin_admin/providers")
PLUMBING = {"__init__", "admin", "apps", "models"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Classes whose methods Django names and types, and whose overrides it documents.
DJANGO = (
    *(models.Model, models.Field, models.QuerySet, models.Transform, models.Func),
    *(forms.Form, forms.Field, forms.Widget, forms.BoundField),
    *(BaseCache, BaseCommand, FileUploadHandler, Operation),
)
DJANGO_METHODS = {name for known in DJANGO for name in dir(known)}
# Classes that Django or pydantic finds by their name or that say in `help` what they do.
UNDOCUMENTED = {"Meta", "Command", "Media"}
IGNORE = re.compile(r"#\s*type:\s*ignore")


@dataclass(frozen=True)
class Source:
    """A file of ours; the path is relative to the repository."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def length(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS))

    def at(self, node: ast.stmt | ast.expr) -> str:
        return f"{self.path}:{node.lineno}"


@dataclass(frozen=True)
class Figure:
    """A measured number, the limit it must not pass, and the places that it counts."""

    name: str
    value: float
    limit: float | None
    places: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"  limit {self.limit:g}"
        return f"{' ' if self.is_met else '>'} {self.name:<46} {self.value:>6g}{limit}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the places that are counted")
    parser.add_argument("repository", nargs="?", type=Path, default=REPOSITORY)
    options = parser.parse_args()
    found = figures(options.repository)
    for figure in found:
        print(figure)
        for place in figure.places if options.list else ():
            print(f"      {place}")
    return 0 if all(figure.is_met for figure in found) else 1


def figures(repository: Path = REPOSITORY) -> list[Figure]:
    sources = list(read_sources(repository, "sequin_admin", "*.py"))
    templates = list(read_sources(repository, "templates", "*"))
    bodies = [body_length(function) for source in sources for function in source.functions()]
    modules = [source for source in sources if is_provider_module(source.path)]
    return [
        Figure("Lines of a file, median", median_length(sources), 80),
        counted("Files over 300 lines", 0, long_files(sources)),
        Figure("Lines of a module of a provider, median", median_length(modules), 130),
        Figure("Lines of a provider with its folder, median", provider_length(modules), None),
        Figure("Lines of a function, median", median(bodies), 5),
        Figure("Lines of a function, 90th percentile", quantiles(bodies, n=10)[8], 15),
        counted("`type: ignore`", 29, ignored_types(sources)),
        counted("`Any` beside JSON and Django's signatures", 149, any_types(sources)),
        counted("Public classes without a docstring", 0, undocumented_classes(sources)),
        counted("Functions that raise without a docstring", 0, undocumented_raises(sources)),
        counted("Pairs of 10 equal lines", 0, letter_pairs([*sources, *templates])),
        counted("Pairs of 10 lines of one shape in functions", 0, shape_pairs(sources)),
    ]


def counted(name: str, limit: float, places: Iterable[str]) -> Figure:
    listed = list(places)
    return Figure(name, len(listed), limit, listed)


def read_sources(repository: Path, folder: str, pattern: str) -> Iterator[Source]:
    """Every file of a folder that has a line, without migrations."""
    for path in sorted((repository / folder).rglob(pattern)):
        if path.is_file() and "migrations" not in path.parts:
            source = Source(path.relative_to(repository), path.read_text())
            if source.text.strip():
                yield source


def body_length(function: Function) -> int:
    """Lines from the first statement or docstring to the last; the signature does not count."""
    return (function.end_lineno or 0) - function.body[0].lineno + 1


def median_length(sources: Iterable[Source]) -> float:
    return median(source.length for source in sources)


def is_provider_module(path: Path) -> bool:
    return path.is_relative_to(PROVIDERS) and path.stem not in PLUMBING


def provider_length(modules: Iterable[Source]) -> float:
    """The median of providers, where a folder counts as one."""
    lengths: Counter[str] = Counter()
    for module in modules:
        lengths[module.path.relative_to(PROVIDERS).parts[0]] += module.length
    return median(lengths.values())


def long_files(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        if source.length > 300:
            yield f"{source.path} ({source.length})"


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
        for function in repeats.outermost_functions(source.tree):
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


def is_public(name: str) -> bool:
    return not name.startswith("_")


def letter_pairs(sources: Iterable[Source]) -> Iterator[str]:
    runs = (repeats.letter_lines(source.path, source.text) for source in sources)
    return map(str, repeats.find_pairs(runs))


def shape_pairs(sources: Iterable[Source]) -> Iterator[str]:
    runs = (repeats.shape_runs(source.path, source.text) for source in sources)
    return map(str, repeats.find_pairs(chain.from_iterable(runs)))


if __name__ == "__main__":
    sys.exit(main())
