"""`limits`: how fast a credential may be used."""

from typing import Annotated, Any

import typer

from sequin_admin.command_line import durations, output
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.session import (
    AsJson,
    CredentialId,
    Kind,
    Provider,
    Search,
    api_of,
    filters,
)

app = typer.Typer(no_args_is_help=True, help="How fast a credential may be used.")
SHORT_MS = 1000


@app.command("get")
def get_limit(context: typer.Context, id: CredentialId, json: AsJson = False) -> None:
    """Show a credential's rate limit. In JSON the interval is in ms, and 0 at once is no cap."""
    with api_of(context) as api:
        show(api.get(f"credentials/{id}")["rate_limit"], json)


@app.command("set")
def set_limit(
    context: typer.Context,
    id: CredentialId,
    allowed_requests: Annotated[
        int | None, typer.Option(help="How many calls may start in an interval.")
    ] = None,
    interval: Annotated[
        str,
        typer.Option(help="How long that is: milliseconds, or with a unit: 500ms, 10s, 1m, 1d."),
    ] = "",
    max_concurrent: Annotated[
        int | None, typer.Option(help="How many may be under way at once; 0 for no cap.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Change a credential's rate limit. What is left out stays as it is."""
    asked: dict[str, Any] = {
        "allowed_requests": allowed_requests,
        "interval": durations.milliseconds(interval) if interval else None,
        "max_concurrent_requests": max_concurrent,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    if not changes:
        raise Misused("Say what to change: --allowed-requests, --interval or --max-concurrent.")
    if changes.get("interval", SHORT_MS) < SHORT_MS and interval.isdecimal():
        output.print_note(
            f"Careful: the interval is in milliseconds. If you mean {interval} seconds, give "
            f"--interval {interval}s."
        )
    with api_of(context) as api:
        known = api.get(f"credentials/{id}")["rate_limit"]
        changed = api.patch(f"credentials/{id}", {"rate_limit": {**known, **changes}})
    show(changed["rate_limit"], json)


COLUMNS = ("name", "kind", "hour", "day", "refused", "throttled", "resets_at")


@app.command("usage")
def show_usage(
    context: typer.Context,
    provider: Provider = "",
    kind: Kind = "",
    search: Search = "",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: AsJson = False,
) -> None:
    """Show which credentials used most of their limit in the last hour. Counts are of 24 hours."""
    asked = {**filters(provider, kind, "", search, []), "sort": "-hour_share"}
    with api_of(context) as api:
        rows = list(output.watched(api.pages("usage", asked, most=limit), "Reading"))
    if json:
        output.as_json({"data": rows})
    else:
        output.show([use_in_words(row) for row in rows], COLUMNS, empty="Nothing was used.")


def use_in_words(row: dict[str, Any]) -> dict[str, Any]:
    day = row["day"]
    shares = {time: f"{row[time]['share']:.0%}" for time in ("hour", "day")}
    counts = {name: f"{day[name]:,}" for name in ("refused", "throttled")}
    return {**row, **shares, **counts}


def show(limit: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(limit)
    else:
        output.facts(in_words(limit))


def in_words(limit: dict[str, Any]) -> dict[str, str]:
    """The limit's fields formatted with units."""
    most = limit["max_concurrent_requests"]
    return {
        "allowed_requests": f"{limit['allowed_requests']:,}",
        "interval": f"{limit['interval']:,} ms",
        "max_concurrent_requests": f"{most:,}" if most else "no cap",
    }
