"""`credentials verify`, and why a credential is not healthy."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from sequin_admin.client import Api, Refused
from sequin_admin.client.bounds import HEALTHY
from sequin_admin.command_line import completion, output
from sequin_admin.command_line.endings import Misused, exit_if_attention
from sequin_admin.command_line.session import (
    AsJson,
    Kind,
    Metadata,
    Provider,
    Search,
    Status,
    api_of,
    filters,
)


def reason_in(health: dict[str, Any]) -> str:
    """Why the credential is not healthy and who must act; empty when it is healthy."""
    if health["reasons"]:
        return str(health["reasons"][0]["sentence"])
    return str(health["note"])


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
