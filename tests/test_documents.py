"""Documents and build files only name paths, links, commands, modules and variables that exist."""

import ast
import importlib
import inspect
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
import typer.main
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from sequin_admin.api.urls import unknown
from sequin_admin.command_line import program
from sequin_admin.credentials.models import Credential
from sequin_admin.gateway.status import STATUS_VIEWS

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
DOCUMENTS = [name for name in TRACKED if name.endswith(".md")]
BUILD_FILES = [
    *("Makefile", "pyproject.toml", "compose.yaml", "deploy/nginx.conf", "Dockerfile"),
    *(".dockerignore", ".env.example", ".ci/run"),
]
IGNORED = (ROOT / ".gitignore").read_text().split()
SOURCES = [path for path in ROOT.glob("sequin_admin/**/*.py") if "migrations" not in path.parts]

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Folders of the repository, also behind `../../` or `/app/`.
PATH = re.compile(
    r"(?<![\w.-])(?:(?:\.\./)+|/app/)?"
    r"((?:sequin_admin|tests|templates|static|requirements|\.ci|docs)/(?:[\w./*-]*[\w*/])?)"
)
# "`old` is now `new`" in a changelog names something that is gone.
RENAMED = re.compile(r"`[^`]+`\s+is\s+now\s+(?=`)")
# What the original Management API had, in the list of our differences from it.
ORIGINAL = re.compile(r"\*Original:\*.+?(?=\*Here:\*)", re.DOTALL)
# Names that the code no longer has, and that documents must not use (a provider's sandbox may).
GONE = re.compile(
    r"\b(torture|handovers?|deviations?|notices|replays|telling|settling|SANDBOX_\w+|sandbox/)"
)


def read(name: str) -> str:
    """A document's text, without former names and what was another's."""
    return ORIGINAL.sub("", RENAMED.sub("", (ROOT / name).read_text()))


def code_in(text: str) -> list[str]:
    """Code spans, and the lines of code blocks without their comments."""
    blocks = [line for _, block in FENCED.findall(text) for line in block.splitlines()]
    lines = [re.sub(r"\s+# .*|^#.*", "", line) for line in blocks]
    return [*re.findall(r"`([^`\n]+)`", FENCED.sub("", text)), *lines]


def commands_in(name: str) -> list[str]:
    """Where commands are: the code of a document, every line of a build file."""
    text = read(name)
    joined = text.replace("\\\n", " ").splitlines()
    return code_in(text) if name in DOCUMENTS else [*joined, *code_in(text)]


def python_in(text: str) -> list[str]:
    return [block for language, block in FENCED.findall(text) if language == "python"]


def anchors_in(text: str) -> set[str]:
    """The anchors that GitHub makes from a document's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def exists(path: str) -> bool:
    return path in IGNORED or any(ROOT.glob(path.rstrip("/")))


def name_exists(dotted: str) -> bool:
    """Whether there is such a module, or a module that binds this name. Imports nothing."""
    path = ROOT / dotted.replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module, name = path.parent.with_suffix(".py"), path.name
    return module.is_file() and name in names_bound_in(module)


def names_bound_in(module: Path) -> set[str]:
    top = ast.parse(module.read_text()).body
    body = [*top, *(each for node in top if isinstance(node, ast.With) for each in node.body)]
    targets = (target for node in body if isinstance(node, ast.Assign) for target in node.targets)
    return {getattr(node, "name", getattr(node, "id", "")) for node in [*body, *targets]}


def variables_read() -> set[str]:
    """First arguments of `env.str()` and the like."""
    found = {"SEQUIN_URL", "SEQUIN_API_KEY"} & set(
        re.findall(r'"(SEQUIN_\w+)"', (ROOT / "sequin_admin/command_line/settings.py").read_text())
    )
    for path in SOURCES:
        found |= set(re.findall(r'\benv\.\w+\(\s*"(\w+)"', path.read_text()))
    return found


def variables_of_examples() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "deploy/examples").rglob("*.py")]
    return {name for text in texts for name in re.findall(r'os\.environ\["(\w+)"\]', text)}


def is_answered(path: str) -> bool:
    """Whether a view answers this path, whose placeholders are those of its route."""
    try:
        found = resolve(path.replace("{id}", str(UUID(int=1))))
    except Resolver404:
        return path in STATUS_VIEWS
    return found.func is not unknown and found.route.count("<") == path.count("{")


def manage_commands(name: str) -> Iterator[tuple[str, list[str]]]:
    """Command and options of each `manage.py ...`."""
    for line in commands_in(name):
        for command, rest in re.findall(r"manage\.py ([a-z]\w+)([^&|`\"]*)", line):
            yield command, re.findall(r"(--[\w-]+)", rest)


def sequin_admin_calls(name: str) -> Iterator[list[str]]:
    for line in code_in(read(name)):
        if match := re.match(r"sequin-admin( .+)", line):
            yield match[1].split()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    text = (ROOT / name).read_text()
    links = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text))
    broken = []

    for link in (link for link in links if not re.match(r"https?://", link)):
        file, _, anchor = link.partition("#")
        target = ROOT / name if not file else (ROOT / name).parent / file
        if not target.exists() or (anchor and anchor not in anchors_in(target.read_text())):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("name", [*DOCUMENTS, *BUILD_FILES])
def test_every_path_exists(name):
    text = read(name)
    searched = "\n".join(code_in(text)) if name in DOCUMENTS else text

    assert [path for path in PATH.findall(searched) if not exists(path)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_name_is_that_of_a_file(name):
    known = {Path(tracked).name for tracked in TRACKED}
    files = [c for c in code_in(read(name)) if re.fullmatch(r"[\w.-]+\.(py|md|ya?ml|toml)", c)]
    commands = [c for c in files if c != "manage.py"]

    assert [file for file in commands if file not in known] == []


@pytest.mark.parametrize("name", [*DOCUMENTS, *BUILD_FILES])
def test_every_module_exists(name):
    dotted = re.findall(r"\b((?:sequin_admin|tests)(?:[.:][A-Za-z_]\w*)+)", read(name))

    assert [found for found in dotted if not name_exists(found.replace(":", "."))] == []


@pytest.mark.parametrize("name", [*DOCUMENTS, *BUILD_FILES])
def test_every_management_command_exists_with_its_options(name):
    missing, known = [], get_commands()

    for command, options in manage_commands(name):
        # The simulator is a Django project of its own.
        if (ROOT / f"sequin_admin/simulator/management/commands/{command}.py").exists():
            continue
        if command not in known:
            missing.append(command)
            continue
        app = known[command]
        found = load_command_class(app, command) if isinstance(app, str) else app
        parser = found.create_parser("manage.py", command)
        missing += [f"{command} {o}" for o in options if o not in parser._option_string_actions]

    assert missing == []


@pytest.mark.parametrize("name", [*DOCUMENTS, *BUILD_FILES])
def test_every_make_target_and_variable_exists(name):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    variables = set(re.findall(r"^(\w+) \?=", makefile, re.MULTILINE))
    calls = [m[1] for line in commands_in(name) if (m := re.match(r"make ([^&|;]+)", line))]
    words = [word.partition("=") for call in calls for word in call.split()]

    assert [w for w, equals, _ in words if w not in (variables if equals else targets)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_of_sequin_admin_exists_with_its_options(name):
    main, missing = typer.main.get_command(program.app), []

    for words in sequin_admin_calls(name):
        command: Any = main
        options = {o for p in command.params for o in p.opts}
        for word in words:
            if word.startswith("--"):
                missing += [] if word.partition("=")[0] in options else [" ".join(words)]
            elif hasattr(command, "commands"):
                if word not in command.commands:
                    missing.append(" ".join(words))
                    break
                command = command.commands[word]
                options |= {option for param in command.params for option in param.opts}

    assert missing == []


def test_every_variable_of_the_documents_is_read():
    named = {
        variable
        for name in DOCUMENTS
        for code in code_in(read(name))
        for variable in re.findall(r"(?<![\w-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?=$|=)", code)
    }
    table = re.findall(r"^\| (`[A-Z].*?) \|", read("README.md"), re.MULTILINE)
    named |= {variable for cell in table for variable in re.findall(r"`(\w+)`", cell)}
    for_make = set(re.findall(r"^(\w+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE))

    # Each may name a file with the value. Django itself reads one, and Airbyte's CDK another.
    read_ones = variables_read() | {f"{variable}_FILE" for variable in variables_read()}
    read_ones |= variables_of_examples() | {"AIRBYTE_ENABLE_UNSAFE_CODE"}
    assert len(named) > 20
    assert named - read_ones - for_make == {"DJANGO_SETTINGS_MODULE"}


def test_every_variable_of_the_example_and_of_compose_is_read():
    example = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    compose = (ROOT / "compose.yaml").read_text()
    (ours,) = re.findall(r"environment: &environment\n((?: {4}.*\n)+)", compose)
    passed = set(re.findall(r"^ {4}(\w+):", ours, re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", compose))

    assert passed - variables_read() == set()
    assert example - variables_read() - used == set()
    assert used - example == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_address_is_answered(name):
    spans = [re.fullmatch(r"(?:[A-Z]+ )?(/[\w./{}-]+)", code) for code in code_in(read(name))]

    assert [span[1] for span in spans if span and not is_answered(span[1])] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_class_exists(name):
    sources = "\n".join(path.read_text() for path in SOURCES)
    defined = set(re.findall(r"^class (\w+)", sources, re.MULTILINE))
    named = [code for code in code_in(read(name)) if re.fullmatch(r"[A-Z][a-z]+[A-Za-z]*", code)]

    assert set(named) - defined - {"True", "False", "None"} == set()


def test_the_example_of_a_provider_uses_what_exists():
    (example,) = [block for block in python_in(read("README.md")) if "@register" in block]
    properties, kind = example.split("@register\n")
    names: dict[str, Any] = {}
    exec(properties, names)
    (declared,) = ast.parse(kind).body
    assert isinstance(declared, ast.ClassDef)
    assigned = {
        name.id
        for statement in declared.body
        if isinstance(statement, ast.Assign)
        for name in ast.walk(statement.targets[0])
        if isinstance(name, ast.Name)
    }
    calls = re.findall(r"\b(outcomes|http)\.(\w+)\(", kind)

    assert get_args(names["AcmeKeyProperties"].model_fields["kind"].annotation) == ("acme_key",)
    assert [name for name in assigned if not hasattr(Credential, name)] == []
    assert [call for call in calls if not hasattr(names[call[0]], call[1])] == []
    assert list(inspect.signature(Credential.probe).parameters) == ["self", "token"]


def test_pyproject_names_what_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module, _, function = project["project"]["scripts"]["sequin-admin"].partition(":")
    files = [
        *project["tool"]["mypy"]["files"],
        *project["tool"]["pytest"]["ini_options"]["testpaths"],
    ]
    settings = project["tool"]["pytest"]["ini_options"]["DJANGO_SETTINGS_MODULE"]

    assert callable(getattr(importlib.import_module(module), function))
    assert [path for path in files if not exists(path)] == []
    assert find_spec(settings)


@pytest.mark.parametrize("name", [*DOCUMENTS, *BUILD_FILES])
def test_no_document_uses_a_name_that_is_gone(name):
    assert GONE.findall(read(name)) == []


def test_nothing_else_stands_at_the_top():
    """A file that a command left behind was committed once."""
    known = {
        *("manage.py", "pyproject.toml", "sequin_admin", "templates", "static", "tests"),
        *("Makefile", "requirements", "deploy", ".ci", "Dockerfile", "compose.yaml", "LICENSE"),
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md"),
        *(".dockerignore", ".env.example", ".gitignore"),
    }

    assert {name.partition("/")[0] for name in TRACKED} == known
