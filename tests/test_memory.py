"""What a process remembers between two requests stands on one page, in CONTRIBUTING.md."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOT = REPOSITORY / "sequin_admin"
# Other programs, and constants.
ELSEWHERE = {"tools", "simulator", "command_line", "client", "settings"}
CONTAINERS = {
    *("dict", "list", "set", "defaultdict", "Counter", "deque", "OrderedDict", "local"),
    *("WeakKeyDictionary", "WeakValueDictionary", "SimpleQueue", "Queue", "Client"),
    *("Semaphore", "BoundedSemaphore", "ContextVar", "Histogram"),
}
CACHES = {"cache", "lru_cache"}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    return list(parse_modules())


def parse_modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] not in ELSEWHERE and "migrations" not in parts:
            name = ".".join(part for part in parts if part != "__init__")
            yield name, ast.parse(path.read_text())


def called(node: ast.AST | None) -> str:
    """The name of what an expression calls: `Counter` of `Counter[UUID]()`."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func.value if isinstance(node.func, ast.Subscript) else node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def is_container(node: ast.AST | None, makers: set[str]) -> bool:
    """Whether it is empty and can be filled, or an object that has such."""
    if isinstance(node, ast.Dict | ast.List):
        return not ast.unparse(node)[1:-1]
    return called(node) in makers


@cache
def filled_classes() -> set[str]:
    """Our classes whose objects start with something to fill."""
    return {
        node.name
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for statement in ast.walk(method)
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and is_container(statement.value, CONTAINERS)
    }


def remembered(tree: ast.Module, makers: set[str]) -> Iterator[str]:
    """Names of a module that keep something from one request to the next."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = {called(each) or ast.unparse(each) for each in node.decorator_list}
            if names & CACHES:
                yield node.name
            if "caches[" in ast.unparse(node):
                yield node.name
        elif isinstance(node, ast.Global):
            yield from node.names
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_container(node.value, makers):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (ast.unparse(target) for target in targets)


def test_each_is_on_the_page_and_nothing_else():
    makers = CONTAINERS | filled_classes()
    page = (REPOSITORY / "CONTRIBUTING.md").read_text().partition("## What a process remembers")[2]

    found = {f"{name}.{each}" for name, tree in modules() for each in remembered(tree, makers)}
    listed = re.findall(r"^\| `([\w.]+)`", page.partition("\n## ")[0], re.M)

    assert sorted(listed) == sorted(found)


@pytest.mark.parametrize(
    "code",
    [
        "@cache\ndef new(): ...",
        "@lru_cache(5)\ndef new(): ...",
        "new = {}",
        "new: dict[str, int] = {}",
        "new = Counter[str]()",
        "new = MemoryStore()",
        "def new():\n    return caches['local'].get('x')",
        "def change():\n    global new",
    ],
)
def test_no_way_to_remember_is_overlooked(code):
    assert {*remembered(ast.parse(code), CONTAINERS | filled_classes())} == {"new"}
