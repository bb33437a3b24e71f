"""The registered kinds by slug. `kinds.py` gives them out, typed."""

from typing import Any

# Their type, `Credential`, is declared by modules that import this one.
registered: dict[str, Any] = {}


def choices() -> list[tuple[str, str]]:
    """The choices of the column `kind`: a new kind changes no migration."""
    return [(slug, str(kind.full_title())) for slug, kind in sorted(registered.items())]
