"""`causes`: faults with all that they broke, and what one does about them."""

from typing import Annotated, Any

import typer

from sequin_admin.client.bounds import CUSTOMER, SEQUIN
from sequin_admin.command_line import output
from sequin_admin.command_line.session import AsJson, Provider, api_of

app = typer.Typer(no_args_is_help=True, help="What is broken, one line for each cause.")
COLUMNS = ("id", "who_must_act", "since", "what", "open", "owner", "muted")
FACTS = ("id", "title", "who_must_act", "message", "since", "resolved_at", "open", "affected")
WHO = {CUSTOMER: "the customer", SEQUIN: "you", None: "nobody"}
CauseId = Annotated[str, typer.Argument(help="As `causes list` shows it.")]


@app.command("list")
def list_causes(
    context: typer.Context,
    provider: Provider = "",
    state: Annotated[str, typer.Option(help="open, resolved or all.")] = "open",
    search: Annotated[str, typer.Option(help='Words and filters: "who:us owner:paul".')] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most.")] = None,
    json: AsJson = False,
) -> None:
    """List them, newest first."""
    asked = {"provider": provider, "state": state, "search": search}
    with api_of(context) as api:
        sent = {name: value for name, value in asked.items() if value}
        rows = list(api.pages("causes", sent, most=limit))
    if json:
        output.as_json({"data": rows})
    else:
        output.show([row_of(cause) for cause in rows], COLUMNS, empty="Nothing is broken.")


@app.command("show")
def show_cause(context: typer.Context, cause_id: CauseId, json: AsJson = False) -> None:
    """Show one with its notes."""
    with api_of(context) as api:
        found: dict[str, Any] = api.get(f"causes/{cause_id}")
    if json:
        output.as_json(found)
        return
    print_cause(found)
    for note in found["notes"]:
        print()
        output.facts({"at": note["at"], "author": note["author"], "text": note["text"]})


@app.command("take")
def take_cause(
    context: typer.Context,
    cause_id: CauseId,
    owner: Annotated[
        str, typer.Option(help="The email of a member; by default whoever the API key is of.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Say that somebody is on it."""
    do_verb(context, cause_id, "take", {"owner": owner}, json=json)


@app.command("release")
def release_cause(context: typer.Context, cause_id: CauseId, json: AsJson = False) -> None:
    """Say that nobody is on it any more."""
    do_verb(context, cause_id, "release", None, json=json)


@app.command("mute")
def mute_cause(
    context: typer.Context,
    cause_id: CauseId,
    until: Annotated[
        str, typer.Option(help="A time such as 2026-11-30T08:00:00Z; by default until it ends.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Have nobody notified of it."""
    do_verb(context, cause_id, "mute", {"until": until or None}, json=json)


@app.command("unmute")
def unmute_cause(context: typer.Context, cause_id: CauseId, json: AsJson = False) -> None:
    """Have people notified of it again."""
    do_verb(context, cause_id, "unmute", None, json=json)


@app.command("note")
def add_note(
    context: typer.Context,
    cause_id: CauseId,
    text: Annotated[str, typer.Argument(help="What the others should know.")],
    json: AsJson = False,
) -> None:
    """Write a note into its timeline."""
    with api_of(context) as api:
        made = api.post(f"causes/{cause_id}/notes", {"text": text})
    output.as_json(made) if json else output.facts(made)


def do_verb(
    context: typer.Context,
    cause_id: str,
    verb: str,
    body: dict[str, Any] | None,
    *,
    json: bool,
) -> None:
    with api_of(context) as api:
        cause = api.post(f"causes/{cause_id}/{verb}", body)
    if json:
        output.as_json(cause)
    else:
        print_cause(cause)


def print_cause(cause: dict[str, Any]) -> None:
    row = row_of(cause)
    output.facts({name: row.get(name, cause.get(name)) for name in (*FACTS, "owner", "muted")})


def row_of(cause: dict[str, Any]) -> dict[str, Any]:
    muted = cause["muted_until"] or "until it ends" if cause["muted"] else ""
    return {
        "id": cause["id"],
        "who_must_act": WHO.get(cause["status"], cause["status"]),
        "since": cause["opened_at"],
        "what": cause["title"],
        "open": cause["open_incidents"],
        "owner": cause["owner"],
        "muted": muted,
    }
