"""Keeps libraries that use OpenTelemetry where they find it from loading it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import cast

NAME = "opentelemetry"


@contextmanager
def without_opentelemetry() -> Iterator[None]:
    """Imports of it within raise `ImportError`, as None in `sys.modules` does that."""
    known = sys.modules.get(NAME)
    sys.modules[NAME] = cast(ModuleType, None)
    try:
        yield
    finally:
        del sys.modules[NAME]
        if known:
            sys.modules[NAME] = known
