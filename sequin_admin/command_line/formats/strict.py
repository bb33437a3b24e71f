"""JSON and YAML of which nothing is resolved, dropped or rounded unseen.

`core.strict_json` is the same for the server; the program is installed without it.
"""

import json
import re
from decimal import Decimal
from typing import Any

import yaml

MERGED = "The YAML refers to parts of itself. Write them out."
NULL = ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"))
SEVERAL = (
    "The YAML holds more than one document. Put their credentials into one list, without `---` "
    "between them, or import each by itself."
)


class Unreadable(ValueError):
    """The file as a whole can't be parsed. `str()` says why."""


class RoundedFloat(float):
    """A whole number that was written with more digits than a float has."""


def load_json(text: str) -> Any:
    """Raises `Unreadable` for a name that comes twice, another `ValueError` for other text."""
    return json.loads(text, object_pairs_hook=distinct, parse_float=float_of)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise Unreadable(twice(name))
        made[name] = value
    return made


def twice(name: Any) -> str:
    # Whatever else stands there for a name may be a secret.
    known = re.fullmatch(r"[a-z_]{1,40}", str(name))
    return f"{f'`{name}`' if known else 'A name'} comes twice in one object. Keep one of them."


def float_of(text: str) -> float:
    value, written = float(text), Decimal(text)
    exact = not written.is_finite() or written != written.to_integral_value()
    return value if exact or written == Decimal(repr(value)) else RoundedFloat(value)


class TextLoader(yaml.SafeLoader):
    """YAML without aliases whose scalars are texts as they are written, but for null."""

    yaml_implicit_resolvers = {first: [NULL] for first in ("~", "n", "N", "")}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Raises `Unreadable` for an alias."""
        if self.check_event(yaml.AliasEvent):
            raise Unreadable(MERGED)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        distinct([(key.value, None) for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """Raises `Unreadable` for several documents, for aliases and names that come twice, others as
    `yaml.load()`."""
    try:
        return yaml.load(text, TextLoader)  # noqa: S506 - a SafeLoader
    except yaml.composer.ComposerError as error:
        if error.problem == "but found another document":
            raise Unreadable(SEVERAL) from None
        raise
