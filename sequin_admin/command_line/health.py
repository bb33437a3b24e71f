"""`health`: counts by status and open incidents."""

from typing import Any

import typer

from sequin_admin.client.bounds import CUSTOMER, SEQUIN
from sequin_admin.command_line import output
from sequin_admin.command_line.endings import exit_if_attention
from sequin_admin.command_line.session import AsJson, api_of

WHO = {CUSTOMER: "the customer", SEQUIN: "you", None: "nobody"}
COLUMNS = ("who_must_act", "since", "what", "name", "affected", "reason")
UNHEALTHY = (CUSTOMER, SEQUIN)


def health(context: typer.Context, json: AsJson = False) -> None:
    """Show the health of all credentials. Exits with 1 when somebody must act."""
    with api_of(context) as api:
        found: dict[str, Any] = api.get("health")
    if json:
        output.as_json(found)
    else:
        output.facts({status: f"{count:,}" for status, count in found["credentials"].items()})
        print()
        rows = [row_of(incident) for incident in found["incidents"]]
        output.show(rows, COLUMNS, empty="Nothing is broken.")
        more = found["open_incidents"] - len(rows)
        if more > 0:
            output.print_note(f"And {more} more: see the page Overview.")
    unhealthy = any(found["credentials"][status] for status in UNHEALTHY)
    exit_if_attention(unhealthy or any(incident["status"] for incident in found["incidents"]))


def row_of(incident: dict[str, Any]) -> dict[str, Any]:
    return {
        "who_must_act": WHO.get(incident["status"], incident["status"]),
        "since": incident["opened_at"],
        "what": incident["entity"],
        "name": incident["name"],
        "affected": incident["affected"],
        "reason": incident["message"],
    }
