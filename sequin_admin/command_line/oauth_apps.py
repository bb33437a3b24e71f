"""`oauth-apps`: OAuth clients of ours, as registered at the providers."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sequin_admin.command_line import completion, output
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.session import AsJson, Metadata, Provider, api_of, pairs_of

app = typer.Typer(no_args_is_help=True, help="Our OAuth apps at the providers.")
COLUMNS = ("id", "provider", "name", "client_id", "health.status", "secret_ends_at")


@app.command("list")
def list_oauth_apps(
    context: typer.Context,
    provider: Provider = "",
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most.")] = None,
    json: AsJson = False,
) -> None:
    """List them, newest first."""
    with api_of(context) as api:
        asked = {"provider": provider} if provider else {}
        rows = list(api.pages("oauth-apps", asked, most=limit))
    if json:
        output.as_json({"data": rows})
    else:
        flat = [{**row, "health.status": row["health"]["status"]} for row in rows]
        output.show(flat, COLUMNS, empty="There are none. Register one: oauth-apps create.")


@app.command("create")
def create_oauth_app(
    context: typer.Context,
    provider: Annotated[
        str, typer.Argument(help="hubspot, for example.", autocompletion=completion.providers)
    ],
    name: Annotated[str, typer.Option(help="What to call it here.")],
    client_id: Annotated[str, typer.Option(help="As the provider's developer page shows it.")],
    client_secret_file: Annotated[
        Path | None,
        typer.Option(
            help="A file that holds the client secret. Else it is asked, or read from stdin."
        ),
    ] = None,
    property: Annotated[
        list[str],
        typer.Option(metavar="KEY=VALUE", help="What the provider has besides: app_id=1, slug=us."),
    ] = [],  # noqa: B006
    property_file: Annotated[
        list[str],
        typer.Option(metavar="KEY=FILE", help="The same, read from a file: private_key=key.pem."),
    ] = [],  # noqa: B006
    scope: Annotated[list[str], typer.Option(help="A scope to ask for; may be given again.")] = [],  # noqa: B006
    redirect_uri: Annotated[
        list[str],
        typer.Option(help="Where your product may have people sent; may be given again."),
    ] = [],  # noqa: B006
    secret_ends_on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The day on which the client secret ends, where the provider says one.",
        ),
    ] = None,
    metadata: Metadata = [],  # noqa: B006
    json: AsJson = False,
) -> None:
    """Register the app that you made on the provider's developer page.

    Its secret stands in a file, or is asked for, but never on the command line.
    """
    properties = texts_of(property) | {
        key: contents(Path(file)) for key, file in texts_of(property_file).items()
    }
    body: dict[str, Any] = {
        "provider": provider,
        "name": name,
        "client_id": client_id,
        "client_secret": secret_from(client_secret_file),
        "properties": properties,
        "scopes": scope,
        "redirect_uris": redirect_uri,
        "metadata": pairs_of(metadata),
    }
    if secret_ends_on:
        body["secret_ends_at"] = f"{secret_ends_on:%Y-%m-%d}T00:00:00Z"
    with api_of(context) as api:
        made = api.post("oauth-apps", body)
    if json:
        output.as_json(made)
    else:
        output.facts({name: made[name] for name in ("id", "provider", "name", "client_id")})


def secret_from(file: Path | None) -> str:
    if file:
        return contents(file).strip()
    if sys.stdin.isatty():
        return str(typer.prompt("Client secret", hide_input=True, err=True))
    return sys.stdin.read().strip()


def texts_of(given: list[str]) -> dict[str, str]:
    """Values by key, of KEY=VALUE. Raises `Misused`."""
    pairs = [pair.partition("=") for pair in given]
    if not all(name and equals for name, equals, _ in pairs):
        raise Misused("Properties are given as KEY=VALUE.")
    return {name: value for name, _, value in pairs}


def contents(file: Path) -> str:
    """The text of a file. Raises `Misused`."""
    try:
        return file.read_text()
    except (OSError, ValueError):
        raise Misused(f"{file} can't be read.") from None
