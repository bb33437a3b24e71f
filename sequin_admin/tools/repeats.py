"""Pairs of places that share ten or more lines, to the letter or in shape.

Blank lines, comments, docstrings and lone punctuation are passed over, and so are imports, URL
lists and declarations (assignments in a module or class body, which hold data).
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path

SHARED = 10
# Ten lines with fewer different shapes are a list of data, for example a call's arguments.
DISTINCT = 5
DECLARATIONS = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SHAPES = {tokenize.STRING: "'", tokenize.NUMBER: "0"}
LAYOUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


@dataclass(frozen=True)
class Line:
    """A counted line: what is compared, and where it stands."""

    key: str
    path: Path
    number: int


@dataclass(frozen=True)
class Pair:
    """Two runs of `length` counted lines that are equal."""

    first: Line
    second: Line
    length: int

    def __str__(self) -> str:
        one, other = (f"{line.path}:{line.number}" for line in (self.first, self.second))
        return f"{one} ~ {other} ({self.length} lines)"


def find_pairs(runs: Iterable[Sequence[Line]]) -> list[Pair]:
    """Every pair of maximal equal stretches of SHARED lines or more; none crosses two runs."""
    lines: list[Line | None] = []
    for run in runs:
        lines += [*run, None]
    places = defaultdict(list)
    for start in range(len(lines) - SHARED + 1):
        window = lines[start : start + SHARED]
        keys = tuple(line.key for line in window if line)
        if len(keys) == SHARED and len(set(keys)) >= DISTINCT:
            places[keys].append(start)
    matches = {
        (one, other)
        for starts in places.values()
        for position, one in enumerate(starts)
        for other in starts[position + 1 :]
        if other - one >= SHARED
    }
    return sorted(join_matches(lines, matches), key=lambda pair: (-pair.length, str(pair)))


def join_matches(lines: Sequence[Line | None], matches: set[tuple[int, int]]) -> Iterator[Pair]:
    """Join windows that follow each other on both sides into one pair."""
    for one, other in matches:
        if (one - 1, other - 1) in matches:
            continue
        steps = 0
        while (one + steps + 1, other + steps + 1) in matches:
            steps += 1
        first, second = lines[one], lines[other]
        if first and second:
            yield Pair(first, second, SHARED + steps)


def letter_lines(path: Path, text: str) -> list[Line]:
    """The counted lines of a Python file or a template, as they are written."""
    passed = declared_lines(ast.parse(text)) if path.suffix == ".py" else set()
    return [
        Line(" ".join(line.split()), path, number)
        for number, line in enumerate(text.splitlines(), 1)
        if number not in passed and is_counted(line)
    ]


def shape_runs(path: Path, text: str) -> Iterator[list[Line]]:
    """The counted lines of each function's body; any name equals any other, so does any value."""
    tree = ast.parse(text)
    shapes = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in LAYOUT:
            shapes[token.start[0]].append(shape_of(token))
    passed = docstring_lines(tree)
    for function in outermost_functions(tree):
        start, end = function.body[0].lineno, function.end_lineno or function.lineno
        keys = ((number, " ".join(shapes[number])) for number in range(start, end + 1))
        yield [
            Line(key, path, number)
            for number, key in keys
            if number not in passed and re.search(r"[\w']", key)
        ]


def shape_of(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME:
        return token.string if iskeyword(token.string) else "n"
    return SHAPES.get(token.type, token.string)


def outermost_functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from outermost_functions(child)


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
