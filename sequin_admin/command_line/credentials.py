"""`credentials`: list, get, connect-link, verify, delete. Import and export: `moving.py`."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from sequin_admin.client import Api, Refused
from sequin_admin.client.bounds import HEALTHY
from sequin_admin.command_line import completion, durations, limits, moving, output
from sequin_admin.command_line.endings import Misused, exit_if_attention
from sequin_admin.command_line.session import (
    AsJson,
    CredentialId,
    Kind,
    Metadata,
    Provider,
    Search,
    Status,
    Yes,
    api_of,
    filters,
    pairs_of,
)

app = typer.Typer(no_args_is_help=True, help="The credentials of your customers' accounts.")
app.command("import")(moving.import_credentials)
app.command("export")(moving.export_credentials)
COLUMNS = ("id", "kind", "name", "status")


@app.command("list")
def list_credentials(
    context: typer.Context,
    provider: Provider = "",
    kind: Kind = "",
    status: Status = "",
    search: Search = "",
    metadata: Metadata = [],  # noqa: B006
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many at most; all if left out.")
    ] = None,
    json: AsJson = False,
) -> None:
    """List credentials, newest first."""
    asked = filters(provider, kind, status, search, metadata)
    with api_of(context) as api:
        rows = list(output.watched(api.pages("credentials", asked, most=limit), "Reading"))
    if json:
        output.as_json({"data": rows})
    else:
        flat = [{**row, "status": row["health"]["status"]} for row in rows]
        output.show(flat, COLUMNS, empty="There are no such credentials.")


@app.command("get")
def get_credential(context: typer.Context, id: CredentialId, json: AsJson = False) -> None:
    """Show one credential and its health. Secrets are masked."""
    with api_of(context) as api:
        found = api.get(f"credentials/{id}")
        if json:
            output.as_json(found)
            return
        health = api.get(f"credentials/{id}/health")
    kept = ("id", "name", "provider", "kind", "oauth_app_id", "created_at", "updated_at")
    limit = limits.in_words(found["rate_limit"])
    output.facts(
        {name: found[name] for name in kept}
        | {f"properties.{n}": v for n, v in found["properties"].items() if n != "kind"}
        | {f"metadata.{name}": value for name, value in found["metadata"].items()}
        | {"rate_limit": f"{limit['allowed_requests']} in {limit['interval']}"}
        | {"at_once": limit["max_concurrent_requests"]}
        | {"status": health["status"], "reason": reason_in(health)}
    )


def reason_in(health: dict[str, Any]) -> str:
    """Why the credential is not healthy and who must act; empty when it is healthy."""
    if health["reasons"]:
        return str(health["reasons"][0]["sentence"])
    return str(health["note"])


@app.command("connect-link")
def connect_link(
    context: typer.Context,
    id: Annotated[
        str,
        typer.Argument(
            help="The credential to reconnect. Leave it out to have a new account connected.",
            autocompletion=completion.credential_ids,
        ),
    ] = "",
    kind: Annotated[
        list[str],
        typer.Option(
            help="What the customer may connect; may be given again, for one provider.",
            autocompletion=completion.kinds,
        ),
    ] = [],  # noqa: B006
    oauth_app: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="The OAuth app that they connect through.",
            autocompletion=completion.oauth_app_ids,
        ),
    ] = "",
    name: Annotated[str, typer.Option(help="What to call the new credential.")] = "",
    metadata: Annotated[
        list[str], typer.Option(metavar="KEY=VALUE", help="Metadata of the new credential.")
    ] = [],  # noqa: B006
    redirect_url: Annotated[
        str, typer.Option(help="Where the customer goes then; registered on the OAuth app.")
    ] = "",
    expires_in: Annotated[
        str, typer.Option(help="How long it lasts: 1h, 7d. A week if left out, which is the most.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Make a link with which a customer connects an account, without a login. Prints its address.

    Whoever has the address can use it, once: send it to the customer only.
    """
    if bool(id) == bool(kind):
        raise Misused("Give the id of a credential to reconnect, or --kind for a new one.")
    asked = {
        "reconnects": id,
        "kinds": kind,
        "oauth_app_id": oauth_app,
        "name": name,
        "metadata": pairs_of(metadata),
        "redirect_url": redirect_url,
        "expires_in_s": durations.milliseconds(expires_in) // 1000 if expires_in else 0,
    }
    with api_of(context) as api:
        made = api.post("connect-links", {key: value for key, value in asked.items() if value})
    if json:
        output.as_json(made)
    else:
        typer.echo(made["url"])


@app.command("verify")
def verify_credentials(
    context: typer.Context,
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="[ID]...",
            help="Which ones; or choose with the options.",
            autocompletion=completion.credential_ids,
        ),
    ] = [],  # noqa: B006
    all: Annotated[bool, typer.Option("--all", help="Every credential.")] = False,
    provider: Provider = "",
    kind: Kind = "",
    status: Status = "",
    search: Search = "",
    metadata: Metadata = [],  # noqa: B006
    json: AsJson = False,
) -> None:
    """Probe credentials at their providers now. Exits with 1 when one needs somebody."""
    asked = filters(provider, kind, status, search, metadata)
    if sum(map(bool, (ids, asked, all))) != 1:
        raise Misused("Give ids, options that choose, or --all.")
    with api_of(context) as api:
        chosen = list(named(api, ids) if ids else api.pages("credentials", asked))
        rows = [verified(api, row) for row in output.watched(chosen, "Verifying", len(chosen))]
    if json:
        output.as_json({"data": rows})
    else:
        output.show(
            rows, ("id", "name", "status", "reason"), empty="There are no such credentials."
        )
    exit_if_attention(any(row["status"] != HEALTHY for row in rows))


def named(api: Api, ids: list[str]) -> Iterator[dict[str, Any]]:
    """Raises `Refused` with the id when there is no such credential."""
    for id in ids:
        try:
            yield api.get(f"credentials/{id}")
        except Refused as error:
            raise Refused(f"{id}: {error}", error.status, error.fields) from None


def verified(api: Api, row: dict[str, Any]) -> dict[str, Any]:
    health = api.post(f"credentials/{row['id']}/verify")
    about = {name: row[name] for name in ("id", "name", "kind")}
    return {**about, "status": health["status"], "reason": reason_in(health)}


@app.command("delete")
def delete_credential(
    context: typer.Context, id: CredentialId, yes: Yes = False, json: AsJson = False
) -> None:
    """Forget a credential, and give its access back where the provider takes it."""
    with api_of(context) as api:
        found = api.get(f"credentials/{id}")
        if not yes:
            called = output.printable(f"{found['name']} ({found['kind']})")
            typer.confirm(f"Delete {called}? This can't be undone.", abort=True, err=True)
        api.delete(f"credentials/{id}")
    if json:
        output.as_json({"id": found["id"], "deleted": True})
    else:
        typer.echo(f"{output.printable(found['name'])} is deleted.")
