"""`credentials`: list, get, delete; the other commands have modules of their own."""

from typing import Annotated

import typer

from sequin_admin.command_line import connecting, former, limits, output, verifying
from sequin_admin.command_line.exporting import export_credentials
from sequin_admin.command_line.import_command import import_credentials
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
)

app = typer.Typer(no_args_is_help=True, help="The credentials of your customers' accounts.")
app.command("import")(import_credentials)
app.command("export")(export_credentials)
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
        | {"status": health["status"], "reason": verifying.reason_in(health)}
    )


app.command("connect-link")(connecting.connect_link)
app.command("verify")(verifying.verify_credentials)
app.command("former")(former.former_secrets)
app.command("put-back")(former.put_back)


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
