"""Keeps libraries that use another one where they find it from loading it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
