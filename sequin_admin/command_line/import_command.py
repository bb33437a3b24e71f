"""`credentials import`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sequin_admin.client import Api, SequinError
from sequin_admin.command_line import (
    completion,
    formats,
    import_results,
    importing,
    output,
    sealing,
    trials,
    writing,
)
from sequin_admin.command_line.endings import Misused, exit_if_attention
from sequin_admin.command_line.import_results import left_out
from sequin_admin.command_line.import_runs import ImportRun
from sequin_admin.command_line.session import AsJson, api_of
from sequin_admin.command_line.trials import try_items


def import_credentials(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for stdin.")],
    format: Annotated[
        formats.Format,
        typer.Option(help="What the file is; told by its contents if left out."),
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Import nothing when a row is refused.")
    ] = False,
    oauth_app: Annotated[
        list[str],
        typer.Option(
            metavar="ID",
            help="The OAuth app of all credentials of its provider, whatever the file says; may be "
            "given again for other providers.",
            autocompletion=completion.oauth_app_ids,
        ),
    ] = [],  # noqa: B006
    map: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=KIND",
            help="What to take an Airflow conn_id or conn_type, a Nango integration or an n8n type "
            "for.",
        ),
    ] = [],  # noqa: B006
    identity: Annotated[
        Path | None,
        typer.Option(help="The private key of an encrypted export, from age-keygen or ssh-keygen."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="A new file for the rows that are refused, as they stand in FILE and with the "
            "reasons, to be corrected and imported. It holds secrets; readable for you only."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Import credentials: our JSON or CSV, and what Airflow, Nango and n8n export.

    \b
    JSON     a list, {"data": [...]} as exported, or one credential to a line
    CSV      columns kind, name, oauth_app_id, metadata.x, and the kind's properties
    Airflow  airflow connections export connections.json (or .yaml), or AIRFLOW_CONN_ variables
    Nango    a list of what GET /connections/{id}?refresh_token=true answers
    n8n      n8n export:credentials --all --decrypted

    All rows are tried first. What is good is imported, each thousand rows together or not at all;
    what is refused is listed with the reason, and makes the exit code 1. The same account again is
    updated, not made twice, so an import that was cut off may be repeated.
    """
    out = writing.new(report) if report else None
    data = sealing.unsealed(contents(file), identity)
    with api_of(context) as api:
        shapes = formats.shapes_of(api.pages("kinds"))
        try:
            reading = formats.read(data, format, shapes, kinds_of(map, shapes))
        except formats.Unreadable as reason:
            raise Misused(str(reason)) from None
        apps = [api.get(f"oauth-apps/{id}") for id in oauth_app]
        items = [importing.with_app(item, shapes[item.kind], apps) for item in reading.items]
        refused = [left_out(problem) for problem in reading.problems]
        if warning := importing.warn_without_app(items, shapes):
            output.print_note(warning)
        trial = trials.Trial()
        if not (strict and refused):
            with output.progress("Trying", len(items)) as advance:
                for chunk in importing.chunks_of(items):
                    trial.add(try_items(api, chunk))
                    advance(len(chunk))
        trial.refuse_duplicates()
        refused += trial.refused
        results = [*refused, *trial.results] if dry_run else refused
        if not (dry_run or (strict and refused)):
            results = [*refused, *send(api, trial.good, data, refused, json=json)]
    if out:
        # At the end, so that the same command takes up a run that was cut off.
        write_report(reading, refused, out)
    show(results, json=json, dry_run=dry_run)
    exit_if_attention(any(result["result"] == import_results.REFUSED for result in results))


def send(
    api: Api,
    items: Sequence[formats.Item],
    data: bytes,
    refused: list[dict[str, Any]],
    *,
    json: bool,
) -> list[dict[str, Any]]:
    """Import what was tried. When that is cut off, the results until then are shown."""
    results: list[dict[str, Any]] = []
    run = ImportRun(data)
    run.begin()
    try:
        with output.progress("Importing", len(items)) as advance:
            for chunk in importing.chunks_of(items):
                results += importing.send(api, chunk, run)
                advance(len(chunk))
    except SequinError:
        if results or refused:
            show([*refused, *results], json=json, dry_run=False)
        output.print_note(
            "The rest was not imported. Import the file again: it goes on from there, and nothing "
            "is made twice."
        )
        raise
    run.end()
    return results


def write_report(
    reading: formats.Reading, refused: Sequence[Mapping[str, Any]], file: Path
) -> None:
    """Write the refused rows to a new file, readable for its owner only."""
    reasons = {result["row"]: result["reason"] for result in refused}
    if not reasons:
        return
    with writing.opened(file) as stream:
        stream.write(reading.report(dict(sorted(reasons.items()))).encode())
    output.print_note(
        f"Refused rows are in {file}, with the reasons and their secrets: only you can read it. "
        "Correct them there, import it, and delete it."
    )


def contents(file: str) -> bytes:
    """The bytes of a file, or of standard input. Raises `Misused`."""
    try:
        return sys.stdin.buffer.read() if file == writing.STREAM else Path(file).read_bytes()
    except OSError:
        raise Misused(f"{file} can't be read.") from None


def kinds_of(given: list[str], shapes: dict[str, formats.Shape]) -> dict[str, str]:
    """Kinds by name, of NAME=KIND. Raises `Misused`."""
    pairs = {name: kind for name, _, kind in (pair.rpartition("=") for pair in given)}
    if not all(name and kind in shapes for name, kind in pairs.items()):
        raise Misused(f"Map a name to a kind, as in hubspot-prod=KIND: {', '.join(shapes)}.")
    return pairs


def show(results: list[dict[str, Any]], *, json: bool, dry_run: bool) -> None:
    results = sorted(results, key=lambda result: result["row"])
    counts = dict.fromkeys(("created", "updated", import_results.REFUSED), 0)
    for result in results:
        counts[result["result"]] += 1
    if json:
        output.as_json({"data": results, **counts, "dry_run": dry_run})
        return
    columns = ("row", "name", "kind", "result", "reason")
    output.show(results, columns, empty="There is nothing in the file.")
    said = ", ".join(f"{number} {name}" for name, number in counts.items())
    output.print_note(f"{said}. It was only tried: nothing was changed." if dry_run else f"{said}.")
