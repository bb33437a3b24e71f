"""Keeps libraries from loading others that they do not need here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import cast


@contextmanager
def without(package: str) -> Iterator[None]:
    """Imports of it within raise `ImportError`, as None in `sys.modules` does that."""
    known = sys.modules.get(package)
    sys.modules[package] = cast(ModuleType, None)
    try:
        yield
    finally:
        del sys.modules[package]
        if known:
            sys.modules[package] = known


@contextmanager
def bare(package: str) -> Iterator[None]:
    """Modules of the package that are imported within come without its `__init__`, unless that is
    loaded already. Whoever imports the package later gets all of it."""
    spec = None if package in sys.modules else find_spec(package)
    if spec is None:
        yield
        return
    stand_in = ModuleType(package)
    stand_in.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        del sys.modules[package]
