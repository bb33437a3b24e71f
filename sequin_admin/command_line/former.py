"""`credentials former` and `put-back`: secrets that were replaced, and the way back to them."""

from typing import Annotated

import typer

from sequin_admin.command_line import output
from sequin_admin.command_line.session import AsJson, CredentialId, Yes, api_of

COLUMNS = ("id", "names", "replaced_at", "replaced_by")


def former_secrets(context: typer.Context, id: CredentialId, json: AsJson = False) -> None:
    """List secrets of a credential that were replaced. Their values are never shown."""
    with api_of(context) as api:
        rows = api.get(f"credentials/{id}/former-secrets")["data"]
    if json:
        output.as_json({"data": rows})
    else:
        flat = [{**row, "names": ", ".join(row["names"])} for row in rows]
        output.show(flat, COLUMNS, empty="No former secrets are kept.")


def put_back(
    context: typer.Context,
    id: CredentialId,
    former: Annotated[str, typer.Argument(help="The id that `credentials former` lists.")],
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Use former secrets again; the current ones take their place."""
    with api_of(context) as api:
        if not yes:
            typer.confirm("Replace the current secrets by these?", abort=True, err=True)
        health = api.post(f"credentials/{id}/former-secrets/{former}/put-back")
    if json:
        output.as_json(health)
    else:
        typer.echo("The former secrets are in use again.")
