"""The layers of the code base: imports point one way, and some names are not allowed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOT = REPOSITORY / "sequin_admin"
ORDER = [
    *("core", "audit", "access", "notifications", "credentials", "limits"),
    *("tokens", "connect", "health", "syncs", "providers", "demo"),
]
EDGES = {"dashboard", "api", "gateway", "worker"}
FILES = [path for path in sorted(ROOT.glob("*/**/*.py")) if "migrations" not in path.parts]
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
).stdout.split()


def imported_by(path: Path) -> frozenset[str]:
    """Dotted names of the modules that a file imports, wherever in it."""
    return names_imported(path, path.read_text())


@cache
def names_imported(path: Path, text: str) -> frozenset[str]:
    return frozenset(iterate_imports(path, text))


def iterate_imports(path: Path, text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join([*above(path, node.level), *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def above(path: Path, level: int) -> tuple[str, ...]:
    """The package that an import with `level` dots starts from."""
    return path.relative_to(REPOSITORY).parts[:-level] if level else ()


def packages_imported_by(path: Path) -> set[str]:
    ours = (name.split(".") for name in imported_by(path) if name.startswith("sequin_admin."))
    return {parts[1] for parts in ours} - {"settings"}


def allowed_for(package: str) -> set[str]:
    if package in EDGES:
        return {*ORDER, package}
    if package == "tools":
        return {*ORDER, *EDGES, "tools", "client"}
    if package == "client":
        return {"client"}
    if package == "command_line":
        return {"client", "command_line"}
    if package == "simulator":
        return {"core", "simulator"}
    return set(ORDER[: ORDER.index(package) + 1])


def test_imports_point_one_way():
    wrong = {
        path: packages
        for path in FILES
        if (packages := packages_imported_by(path) - allowed_for(path.relative_to(ROOT).parts[0]))
    }

    assert wrong == {}
    assert len(FILES) > 700


# Parts of the client library that need an extra of their name.
EXTRAS = {path.name for path in (ROOT / "client").iterdir() if path.is_dir()} - {"__pycache__"}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def part_of(path: Path) -> str:
    """The package of a file, or the extra that it is."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "client" and parts[1] in EXTRAS else parts[0]


def needed_by(part: str) -> set[str]:
    """What a part imports that is neither ours nor Python's."""
    files = [path for path in FILES if part_of(path) == part]
    needed = {name.partition(".")[0].lower() for path in files for name in imported_by(path)}
    return needed - sys.stdlib_module_names - {"sequin_admin"}


# What `requests` is made of, and its interface for this; what `dlt[postgres]` installs.
PARTS = {"urllib3", "psycopg2"}


def installed_by(*requirements: str) -> set[str]:
    names = {re.split(r"[\[<>=~]", each)[0].lower() for each in requirements}
    return {IMPORTED_AS.get(name, name) for name in names}


IMPORTED_AS = {"airbyte-cdk": "airbyte_cdk", "pyyaml": "yaml"}


def test_the_client_needs_nothing_but_httpx2():
    """It is installed where there is no Django."""
    assert needed_by("client") <= installed_by(*PROJECT["dependencies"]) == {"httpx2"}


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_an_extra_needs_only_what_it_installs(extra):
    installed = installed_by(*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra])

    assert needed_by(extra) - PARTS <= installed


def built_on(part: str) -> set[str]:
    """The extras whose requirements a part of the client library installs, its own too."""
    extras = PROJECT["optional-dependencies"]
    if part not in EXTRAS:
        # A benchmark's program runs on the requirements of engines.
        return {"dlt"} if part == "tools" else set()
    return {each for each in EXTRAS if installed_by(*extras[each]) <= installed_by(*extras[part])}


def test_only_what_installs_an_extra_imports_it():
    for path in FILES:
        extras = {name.split(".")[2] for name in imported_by(path) if CLIENT.match(name)} & EXTRAS

        assert extras <= built_on(part_of(path)), path


CLIENT = re.compile(r"sequin_admin\.client\.\w")


def test_the_server_does_not_install_what_engines_run_on():
    """They have venvs and locks of their own."""
    lock = (REPOSITORY / "requirements" / "runtime.txt").read_text()
    locked = installed_by(*re.findall(r"^[\w.-]+", lock, re.MULTILINE))

    assert "django" in locked
    assert not locked & {"dlt", "airbyte_cdk", "psycopg2_binary", "psycopg2-binary"}


def test_the_command_line_needs_only_what_its_package_installs():
    """It runs where there is no server."""
    installed = installed_by(*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["cli"])

    assert needed_by("command_line") <= installed


def test_nobody_imports_a_provider_by_name():
    outside = [path for path in FILES if path.relative_to(ROOT).parts[0] != "providers"]

    guilty = [path for path in outside if "providers" in packages_imported_by(path)]

    assert [path for path in guilty if path.relative_to(ROOT).parts[0] != "simulator"] == []


@pytest.mark.parametrize(
    ("statement", "package"),
    [
        ("from sequin_admin.dashboard import urls", "dashboard"),
        ("from sequin_admin import dashboard", "dashboard"),
        ("import sequin_admin.dashboard.urls", "dashboard"),
        ("from ..dashboard import urls", "dashboard"),
        ("from .. import dashboard", "dashboard"),
        ("def later():\n    from sequin_admin.dashboard import urls", "dashboard"),
        ("from . import models", "limits"),
    ],
)
def test_no_way_of_importing_is_overlooked(monkeypatch, statement, package):
    path = ROOT / "limits" / "models.py"
    monkeypatch.setattr(Path, "read_text", lambda self: statement)

    assert packages_imported_by(path) == {package}


def test_no_import_hides_behind_type_checking():
    assert [path for path in FILES if "TYPE_CHECKING" in path.read_text()] == []


def test_the_environment_is_read_in_one_place():
    reading = r"\bos\.environ|getenv|from os import .*\benviron"
    modules = [*FILES, *ROOT.glob("*.py")]
    readers = {path for path in modules if re.search(reading, path.read_text())}

    # WSGI modules only name their settings.
    assert {path.relative_to(ROOT).as_posix() for path in readers} == {
        "command_line/settings.py",
        "core/env.py",
        "simulator/management/commands/tls.py",
        "simulator/tls/gunicorn_config.py",
        "simulator/wsgi.py",
        "wsgi.py",
    }


def test_leases_are_written_in_one_place():
    """Deliveries, tests of targets, reads of collections, probes, batches and renewals alike."""
    writing = re.compile(r"\blease_(owner|fence|until)\s*=[^=]")
    writers = {path for path in FILES if writing.search(path.read_text())}

    served = {path.relative_to(ROOT).as_posix() for path in writers if "tools" not in path.parts}
    assert served == {"core/leases.py"}


@pytest.mark.parametrize(
    "forbidden",
    [r"pypi\.(org|python)", r"files\.pythonhosted", r"registry\.npmjs", r"/(?:work|root|home)/\w"],
)
def test_no_registry_and_no_machine_in_any_file(forbidden):
    texts = [REPOSITORY / name for name in TRACKED if (REPOSITORY / name).is_file()]
    mine = Path(__file__).resolve()

    found = [p for p in texts if p != mine and re.search(forbidden, p.read_text(errors="ignore"))]

    assert found == []
