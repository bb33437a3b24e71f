"""`health`: the fleet in one glance."""

from typing import Any

import typer

from sequin_admin.command_line.session import AsJson, api_of

COLUMNS = ("opened_at", "status", "entity", "name", "affected", "message")


def health(context: typer.Context, json: AsJson = False) -> None:
    """Say how all credentials fare and what is broken. Exits with 1 when somebody must act."""
    with api_of(context) as api:
        found: dict[str, Any] = api.get("health")
    raise NotImplementedError(found)
