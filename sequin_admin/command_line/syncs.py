"""`syncs`: their runs, and what one asks of them."""

from typing import Annotated, Any

import typer

from sequin_admin.command_line import output
from sequin_admin.command_line.session import AsJson, Provider, api_of

app = typer.Typer(no_args_is_help=True, help="Runs of syncs: pause, resume, read again, cancel.")
COLUMNS = ("id", "sync_name", "status", "started_at", "ended_at", "read", "written", "deleted")
FACTS = (*COLUMNS, "consumer_id", "provider", "lag_s", "waiting", "error", "asked")
PAIR = ("consumer_id", "state", "due_at", "failures", "reason")
SyncId = Annotated[str, typer.Argument(help="The id of a sync, as `search` shows it.")]
RunId = Annotated[str, typer.Argument(help="As `syncs runs` shows it.")]
Collection = Annotated[str, typer.Argument(help="provider:name, as stripe:customer.")]


@app.command("runs")
def list_runs(
    context: typer.Context,
    sync: Annotated[str, typer.Option(help="Only those of this sync, by id.")] = "",
    consumer: Annotated[str, typer.Option(help="Only those for this consumer, by id.")] = "",
    status: Annotated[
        str, typer.Option(help="running, succeeded, failed, lost or cancelled.")
    ] = "",
    provider: Provider = "",
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most.")] = 50,
    json: AsJson = False,
) -> None:
    """List them, newest first."""
    asked = {"sync_id": sync, "consumer_id": consumer, "status": status, "provider": provider}
    with api_of(context) as api:
        sent = {name: value for name, value in asked.items() if value}
        rows = list(api.pages("syncs/runs", sent, most=limit))
    if json:
        output.as_json({"data": rows})
    else:
        output.show([row_of(run) for run in rows], COLUMNS, empty="No runs.")


@app.command("run")
def show_run(context: typer.Context, run_id: RunId, json: AsJson = False) -> None:
    """Show one with the last lines of its log."""
    with api_of(context) as api:
        run: dict[str, Any] = api.get(f"syncs/runs/{run_id}")
    if json:
        output.as_json(run)
        return
    print_run(run)
    for each in run["log"]:
        print(f"{each['at']}  {each['line']}")


@app.command("cancel")
def cancel_run(context: typer.Context, run_id: RunId, json: AsJson = False) -> None:
    """Ask the worker to end a run at its next report."""
    with api_of(context) as api:
        run: dict[str, Any] = api.post(f"syncs/runs/{run_id}/cancel")
    output.as_json(run) if json else print_run(run)


@app.command("schedule")
def show_schedule(context: typer.Context, sync_id: SyncId, json: AsJson = False) -> None:
    """Show when the next run for each consumer is due, or why none is."""
    with api_of(context) as api:
        print_schedule(api.get(f"syncs/{sync_id}/schedule"), json=json)


@app.command("pause")
def pause_sync(context: typer.Context, sync_id: SyncId, json: AsJson = False) -> None:
    """Let no run start until it is resumed."""
    do_verb(context, sync_id, "pause", None, json=json)


@app.command("resume")
def resume_sync(context: typer.Context, sync_id: SyncId, json: AsJson = False) -> None:
    """Let the next run start at once."""
    do_verb(context, sync_id, "resume", None, json=json)


@app.command("resync")
def resync_collection(
    context: typer.Context, sync_id: SyncId, collection: Collection, json: AsJson = False
) -> None:
    """Let a collection be read again from its beginning."""
    do_verb(context, sync_id, "resync", {"collection_id": collection}, json=json)


@app.command("confirm-deletes")
def confirm_deletes(
    context: typer.Context,
    sync_id: SyncId,
    collection: Annotated[
        str, typer.Option(help="Only of this collection; by default of all that wait.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Let the next full pass delete what was held."""
    do_verb(context, sync_id, "confirm-deletes", {"collection_id": collection}, json=json)


def do_verb(
    context: typer.Context, sync_id: str, verb: str, body: dict[str, Any] | None, *, json: bool
) -> None:
    with api_of(context) as api:
        print_schedule(api.post(f"syncs/{sync_id}/{verb}", body), json=json)


def print_schedule(schedule: dict[str, Any], *, json: bool) -> None:
    if json:
        output.as_json(schedule)
    else:
        output.show(schedule["data"], PAIR, empty="No consumer reads it, so it has no runs.")


def print_run(run: dict[str, Any]) -> None:
    row = row_of(run)
    output.facts({name: row.get(name, run.get(name)) for name in FACTS})


def row_of(run: dict[str, Any]) -> dict[str, Any]:
    error, asked = run["error"], [each["kind"] for each in run["requests"]]
    counts = {name: run[f"rows_{name}"] for name in ("read", "written", "deleted")}
    return {**run, **counts, "error": error and error["message"], "asked": ", ".join(asked)}
