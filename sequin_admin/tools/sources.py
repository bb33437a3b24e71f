"""Files of ours, and what is known of the names in them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django import forms
from django.core.cache.backends.base import BaseCache
from django.core.files.uploadhandler import FileUploadHandler
from django.core.management.base import BaseCommand
from django.db import models
from django.db.migrations.operations.base import Operation

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Classes whose methods Django names and types, and whose overrides it documents.
DJANGO = (
    *(models.Model, models.Field, models.QuerySet, models.Transform, models.Func),
    *(forms.Form, forms.Field, forms.Widget, forms.BoundField),
    *(BaseCache, BaseCommand, FileUploadHandler, Operation),
)
DJANGO_METHODS = {name for known in DJANGO for name in dir(known)}


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


def read_sources(repository: Path, folder: str, pattern: str) -> Iterator[Source]:
    """Every file of a folder that has a line, without migrations."""
    for path in sorted((repository / folder).rglob(pattern)):
        if path.is_file() and "migrations" not in path.parts:
            source = Source(path.relative_to(repository), path.read_text())
            if source.text.strip():
                yield source


def is_public(name: str) -> bool:
    return not name.startswith("_")
