"""`--one-kind`: PostgreSQL and a fast run are asked with one kind where a test has them all.

What differs by kind is decided beside either database, and `make test` asks it on SQLite.
"""

from collections import defaultdict

import pytest

from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential

# So many are every kind of a sort; fewer were chosen.
EVERY = 10
# They read columns and JSON by SQL, which differs by what the kinds keep there.
OF_ROWS = ("api/test_columns.py",)


def kind_of(value: object) -> str | None:
    """The kind that a parameter of a test stands for."""
    slug = value.slug if isinstance(value, type) and issubclass(value, Credential) else value
    return slug if isinstance(slug, str) and slug in {kind.slug for kind in kinds.all()} else None


def repeated(items: list[pytest.Item]) -> list[pytest.Item]:
    """The cases of tests with every kind that another case of them differs from in nothing else."""
    cases: dict[object, list[pytest.Item]] = defaultdict(list)
    for item in items:
        given = getattr(item, "callspec", None)
        if given is None or str(item.path).endswith(OF_ROWS):
            continue
        others = [(name, repr(it)) for name, it in given.params.items() if kind_of(it) is None]
        if len(others) < len(given.params):
            cases[item.nodeid.partition("[")[0], *others].append(item)
    return [item for each in cases.values() if len(each) >= EVERY for item in each[1:]]
