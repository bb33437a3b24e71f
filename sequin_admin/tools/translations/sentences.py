"""Finds the sentences in our code that customers read, as msgids: an f-string becomes a text with
named placeholders."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sequin_admin.core.env import ROOT

CODE = ROOT / "sequin_admin"
# Functions and exceptions, with the positions of their arguments that customers read.
CALLS = {
    "customer": (1, 2),
    "transient": (1,),
    "expired": (1,),
    "operator": (3,),
    "LinkClosed": (0,),
    "RequestClosed": (0,),
    "BadCallback": (0,),
    "Unreachable": (0,),
    "UnknownHost": (0,),
    "Forbidden": (0,),
    "PrivateAddress": (0,),
    "OtherAccount": (1,),
    "say": (0,),
}
# Only in what reads a person's input: elsewhere it is for programs.
VALUE_ERRORS = ("providers/", "credentials/normalizers.py", "credentials/private_keys.py")
# Functions all of whose texts are for customers, and constants.
FUNCTIONS = {
    *("customer_message", "sentence_of", "mismatch", "contradictions", "warn_of_space"),
    *("refuse_closed", "field_for", "missing_scopes", "remarks"),
}
CONSTANTS = {"AGAIN", "ANOTHER", "MASKED", "REENCODED", "UNAVAILABLE_SHOP", "UNWRAPPED"}
PACKAGES = ("providers", "credentials", "connect", "core", "gateway", "notifications")
# What only operators read, though it looks the same.
LEFT_OUT = {"notifications/forms.py", "credentials/outcomes/outcome.py"}
NAMES = {"provider_title": "provider", "title_of": "title"}
# `The customer must ...` is for the operator.
FOR_OPERATORS = re.compile(r"The customer|If it happens twice, the operator")


@dataclass
class Finder(ast.NodeVisitor):
    """The msgids of one module."""

    path: str
    tree: ast.Module
    found: set[str] = field(default_factory=set)
    scopes: list[ast.AST] = field(default_factory=list)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.scopes.append(node)
        if node.name in FUNCTIONS:
            self.collect_texts(node)
        self.generic_visit(node)
        self.scopes.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if not self.scopes and names & CONSTANTS:
            self.collect(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func).rpartition(".")[2]
        positions = CALLS.get(name, ())
        if name == "customer" and len(node.args) > 3:
            positions = (1, 3)
        for position in positions:
            if position < len(node.args):
                self.collect(node.args[position])
        if name == "customer_must":
            self.collect_duty(node)
        if name == "ValueError" and self.path.startswith(VALUE_ERRORS):
            self.collect(node.args[0])
        if name == "operator" and len(node.args) > 3:
            self.collect(node.args[1])
        self.generic_visit(node)

    def collect_duty(self, node: ast.Call) -> None:
        """`customer_must(code, message, act, you=...)`: the customer reads `{you} must {act}`."""
        self.collect(node.args[1])
        you = next((k.value for k in node.keywords if k.arg == "you"), ast.Constant("You"))
        for subject in self.texts(you):
            self.found |= {f"{subject} must {act}" for act in self.texts(node.args[2])}

    def collect_texts(self, function: ast.FunctionDef) -> None:
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                self.collect(node.value)
            if isinstance(node, ast.Dict):
                self.collect(node)

    def collect(self, node: ast.expr) -> None:
        """Add the texts that are sentences."""
        self.found |= {text for text in self.texts(node) if is_sentence(text)}

    def texts(self, node: ast.expr) -> Iterator[str]:
        """Every text that the expression may be."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value if is_template(node.value) else escaped(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield self.joined(node)
        elif isinstance(node, ast.IfExp):
            yield from self.texts(node.body)
            yield from self.texts(node.orelse)
        elif isinstance(node, ast.Dict):
            for value in node.values:
                yield from self.texts(value)
        elif isinstance(node, ast.Name):
            for value in self.assigned(node.id):
                yield from self.texts(value)

    def assigned(self, name: str) -> Iterator[ast.expr]:
        """What the name is set to in the function around, or in the module."""
        for scope in [*self.scopes, self.tree]:
            for node in ast.walk(scope):
                if isinstance(node, ast.Assign) and any(
                    isinstance(target, ast.Name) and target.id == name for target in node.targets
                ):
                    yield node.value

    def joined(self, node: ast.JoinedStr) -> str:
        """An f-string with a named placeholder for each expression."""
        text, names = "", dict[str, str]()
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += escaped(str(part.value))
            elif isinstance(part, ast.FormattedValue):
                written = ast.unparse(part.value)
                text += "{" + names.setdefault(written, free_name(written, names)) + "}"
                if isinstance(part.value, ast.Name):
                    self.collect(part.value)
        return text


def free_name(written: str, taken: dict[str, str]) -> str:
    """A placeholder for an expression: its last word, with a number where that is taken."""
    words = re.findall(r"[A-Za-z_]\w*", written)
    name = "provider" if written in ("provider", "cls.provider_title") else (words or ["n"])[-1]
    if "(" in written and len(words) > 1:
        name = words[-2] if words[-1] in ("describe",) else words[0]
    if written.endswith(".describe()"):
        name = written.removesuffix(".describe()").rpartition(".")[2]
    name = NAMES.get(name, name)
    used, number, free = set(taken.values()), 2, name
    while free in used:
        free, number = f"{name}{number}", number + 1
    return free


def escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def is_template(text: str) -> bool:
    """Whether a plain text has placeholders of its own, for `.format()`."""
    return bool(re.search(r"\{[a-z_]+\}", text))


def is_sentence(text: str) -> bool:
    has_words = re.search(r"[a-z]{2,}.* ", re.sub(r"\{[^}]*\}", "", text))
    return bool(has_words) and not FOR_OPERATORS.match(text)


def in_code() -> dict[str, set[str]]:
    """Msgids by the file that they stand in."""
    found = {}
    for package in PACKAGES:
        for path in sorted((CODE / package).rglob("*.py")):
            name = str(path.relative_to(CODE))
            if "migrations" not in path.parts and name not in LEFT_OUT:
                tree = ast.parse(path.read_text())
                finder = Finder(name, tree)
                finder.visit(tree)
                found[name] = finder.found
    return {name: texts for name, texts in found.items() if texts}


def in_templates(folder: Path = ROOT / "templates") -> dict[str, set[str]]:
    """Msgids of `{% say %}` and of `{% translate "..." %}`, by template."""
    found = {}
    for path in sorted(folder.rglob("*.*")):
        text = path.read_text() if path.suffix in (".html", ".txt") else ""
        blocks = re.findall(r"\{% say\b[^%]*%\}(.*?)\{% endsay %\}", text, re.DOTALL)
        short = re.findall(r"\{% translate \"([^\"]*)\"", text)
        texts = {" ".join(block.split()) for block in blocks} | set(short)
        if texts:
            found[str(path.relative_to(folder.parent))] = texts
    return found
