"""The lines of functions that are compared in shape, whatever the names and values in them."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path

from sequin_admin.tools.lines import Line, docstring_lines
from sequin_admin.tools.sources import FUNCTIONS

SHAPES = {tokenize.STRING: "'", tokenize.NUMBER: "0"}
LAYOUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


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
