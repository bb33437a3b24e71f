"""One word for one thing inside; what leaves the process keeps its name.

`published_names.json` lists what others rely on. Adding a name means adding it there; a name that
goes or changes breaks somebody's integration, dashboard or log query.
"""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from sequin_admin.api.urls import api
from sequin_admin.audit.models import get_audit_type
from sequin_admin.core import metrics
from sequin_admin.gateway import metrics as gateway_metrics
from sequin_admin.notifications.message import TEST, TYPES

ROOT = Path(__file__).parents[1] / "sequin_admin"
PUBLISHED = json.loads((Path(__file__).parent / "published_names.json").read_text())
# Published packages are name spaces of their own.
OURS = [
    path
    for path in sorted(ROOT.rglob("*.py"))
    if "migrations" not in path.parts
    and path.relative_to(ROOT).parts[0] not in {"client", "command_line"}
]
MADE_BY_DJANGO = {"Command", "Migration", "Meta"}
VAGUE = {"own", "note", "read", "keep", "store", "ask", "end"}
MOST_MODULES = 3


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def public_classes() -> Iterator[tuple[str, Path]]:
    for path in OURS:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, path


def test_no_two_public_classes_share_a_name():
    found = defaultdict(list)
    for name, path in public_classes():
        found[name].append(str(path.relative_to(ROOT)))

    shared = {name: paths for name, paths in found.items() if len(paths) > 1}

    assert {name: paths for name, paths in shared.items() if name not in MADE_BY_DJANGO} == {}


@pytest.mark.parametrize("verb", sorted(VAGUE))
def test_a_vague_verb_has_an_object(verb):
    """Except for the views of the API and of pages, and what every simulated provider has."""
    exempt = ("api/", "dashboard/views/", "simulator/providers/")
    modules = set()
    for path in OURS:
        name = path.relative_to(ROOT).as_posix()
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef) and node.name == verb:
                modules |= set() if is_view(node) and name.startswith(exempt) else {name}

    assert len(modules) <= MOST_MODULES, modules


def is_view(node: ast.FunctionDef) -> bool:
    """Whether the first parameter is a request."""
    return bool(node.args.args) and node.args.args[0].arg == "request"


def constants() -> set[str]:
    """Every string in the product's code."""
    found = set()
    for path in OURS:
        for node in nodes_of(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_audit_actions_keep_their_names():
    code = constants()

    assert [name for name in PUBLISHED["audit_actions"] if name not in code] == []


def test_new_audit_actions_are_published():
    groups = {name.partition(".")[0] for name in PUBLISHED["audit_actions"]}
    shaped = {text for text in constants() if re.fullmatch(r"[a-z_]+\.[a-z_]+", text)}
    actions = {text for text in shaped if text.partition(".")[0] in groups}
    # An attribute's path, of a pydantic error.
    known = {*PUBLISHED["audit_actions"], *PUBLISHED["event_types"], "credential.secrets"}

    assert actions - known == set()


def test_rows_are_called_in_events_as_ever():
    ours = [model for model in apps.get_models() if model.__module__.startswith("sequin_admin")]
    called = {get_audit_type(model()) for model in ours}

    assert set(PUBLISHED["row_types"]) <= called


def test_event_types_keep_their_names():
    assert sorted([*TYPES, TEST]) == PUBLISHED["event_types"]


def test_the_environment_is_named_as_ever():
    read = r"""(?:env\.\w+\(|environ(?:\.get)?[(\[])\s*"([A-Z_]+)\""""
    files = [path for path in ROOT.rglob("*.py") if "migrations" not in path.parts]
    found = {name for path in files for name in re.findall(read, path.read_text())}

    assert sorted(found) == PUBLISHED["environment"]


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for each in patterns:
        address = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, address)
        else:
            yield address


def test_paths_of_the_gateway_stay():
    found = [each for each in addresses(get_resolver().url_patterns) if each.startswith("link/")]

    assert sorted(found) == PUBLISHED["link_paths"]


def test_the_api_keeps_its_paths_operations_and_schemas():
    document = api.get_openapi_schema()
    operations = [call for path in document["paths"].values() for call in path.values()]

    assert sorted(document["paths"]) == PUBLISHED["api_paths"]
    assert sorted(call["operationId"] for call in operations) == PUBLISHED["operation_ids"]
    assert sorted(document["components"]["schemas"]) == PUBLISHED["schemas"]


def test_metrics_keep_their_names():
    text = "".join(Path(module.__file__).read_text() for module in (gateway_metrics, metrics))
    names = re.findall(r'"(sequin_admin_\w+)"', text)

    assert sorted(names) == PUBLISHED["metrics"]
