"""`expiry`: what will end, and what changes at the providers."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from sequin_admin.command_line import output
from sequin_admin.command_line.endings import exit_if_attention
from sequin_admin.command_line.session import AsJson, Provider, api_of

COLUMNS = ("ends_at", "days_left", "what", "name", "provider", "what_to_do")
CHANGES = ("when", "provider", "change", "credentials", "oauth_apps", "what_to_do")
# It ends with 1 when something ends within this time, or a change comes.
SOON_DAYS = 7


def expiry(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How many days ahead.")] = 180,
    what: Annotated[
        str, typer.Option(help="Only this: credential, oauth_app, api_key, connect_link...")
    ] = "",
    provider: Provider = "",
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most.")] = None,
    json: AsJson = False,
) -> None:
    """Show what ends, soonest first, and the changes at providers that touch what you have.

    Exits with 1 when something ends, or a change comes, within 7 days.
    """
    until = datetime.now(UTC) + timedelta(days=days)
    asked: dict[str, Any] = {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    asked |= {"what": what} if what else {}
    asked |= {"provider": provider} if provider else {}
    with api_of(context) as api:
        rows = list(api.pages("expiry", asked, most=limit))
        changes = api.get("expiry/changes", {"touching": "true"})["data"]
    changes = [each for each in changes if provider in ("", each["provider"])]
    if json:
        output.as_json({"data": rows, "changes": changes})
    else:
        output.show(
            rows, COLUMNS, empty=f"Nothing ends in the next {days} day{'' if days == 1 else 's'}."
        )
        if changes:
            print()
            output.show([change_row(each) for each in changes], CHANGES, empty="")
    left = [row["days_left"] for row in (*rows, *changes)]
    exit_if_attention(any(days is not None and 0 <= days < SOON_DAYS for days in left))


def change_row(change: dict[str, Any]) -> dict[str, Any]:
    when = change["on"] or change["when"]
    known = "" if change["certainty"] == "published" else f" ({change['certainty']})"
    return {**change, "when": f"{when}{known}"}
