"""`credentials export`."""

import sys
from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from sequin_admin.client import Api
from sequin_admin.client.bounds import PURPOSE_CHARS
from sequin_admin.command_line import output, sealing, writing
from sequin_admin.command_line.endings import Misused, exit_if_attention
from sequin_admin.command_line.session import (
    Kind,
    Metadata,
    Provider,
    Search,
    Status,
    Yes,
    api_of,
    filters,
)


def export_credentials(
    context: typer.Context,
    recipient: Annotated[
        list[str],
        typer.Option(help="A public key that may open it: age1..., ssh-...; may be given again."),
    ] = [],  # noqa: B006
    recipients_file: Annotated[
        Path | None, typer.Option(help="A file of such keys, one to a line.")
    ] = None,
    to: Annotated[
        str,
        typer.Option("--output", "-o", help="A new file, readable for you only; - for stdout."),
    ] = writing.STREAM,
    plain_text: Annotated[
        bool, typer.Option("--plain-text", help="Don't encrypt. Whoever has the file has it all.")
    ] = False,
    purpose: Annotated[str, typer.Option(help="What for: kept in the audit log.")] = "",
    provider: Provider = "",
    kind: Kind = "",
    status: Status = "",
    search: Search = "",
    metadata: Metadata = [],  # noqa: B006
    yes: Yes = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON about the export. Needs --output.")
    ] = False,
) -> None:
    """Export credentials with their secrets, encrypted in the age format, as JSON for `import`.

    Open it with `age -d -i key.txt`, or import it with --identity. Takes an API key with the scope
    secrets; the audit log notes each credential, with the purpose.
    """
    keys = sealing.recipients(recipient, recipients_file)
    if bool(keys) == plain_text:
        raise Misused(
            "Say who may open it: --recipient or --recipients-file; or else --plain-text."
        )
    file = None if to == writing.STREAM else writing.new(Path(to))
    if json and file is None:
        raise Misused("The export itself is on stdout, and is JSON. Give --output with --json.")
    if not yes and sys.stdin.isatty():
        how = "in PLAIN TEXT" if plain_text else "encrypted"
        typer.confirm(
            f"Export secrets, {how}? Each is noted in the audit log.", abort=True, err=True
        )
    used_for = f"sequin-admin export{', plain text' if plain_text else ''}: {purpose}".rstrip(": ")
    asked = filters(provider, kind, status, search, metadata)
    asked |= {"truncate_secrets": "false", "purpose": used_for[:PURPOSE_CHARS]}
    export = Export()
    with api_of(context) as api, writing.opened(file) as out:
        chunks = document(export.rows(api, asked))
        write(chunks, out, keys, armored=file is None)
    if json:
        output.as_json(
            {"exported": export.number, "unreadable": export.unreadable, "file": str(file)}
        )
    else:
        noun = "credential" if export.number == 1 else "credentials"
        output.print_note(f"{export.number:,} {noun} exported{f' to {file}' if file else ''}.")
        for id, reason in export.unreadable.items():
            output.print_note(f"Left out: {id}. {reason}")
    exit_if_attention(bool(export.unreadable))


class Export:
    """Counts the credentials of an export, and collects those whose secrets can't be read."""

    def __init__(self) -> None:
        self.number = 0
        self.unreadable: dict[str, str] = {}

    def rows(self, api: Api, asked: dict[str, str]) -> Iterator[dict[str, Any]]:
        """The credentials whose secrets could be read."""
        with output.progress("Exporting", None) as advance:
            for answer in api.answers("credentials", asked):
                self.unreadable |= answer.get("unreadable", {})
                for row in answer["data"]:
                    if row["id"] not in self.unreadable:
                        self.number += 1
                        yield row
                advance(len(answer["data"]))


def document(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """JSON `{"data": [...]}`, one credential per line."""
    yield b'{"data": ['
    for number, row in enumerate(rows):
        yield b",\n" if number else b"\n"
        yield dumps(row, ensure_ascii=False).encode()
    yield b"\n]}\n"


def write(
    chunks: Iterator[bytes], out: BinaryIO, keys: list[sealing.Recipient], *, armored: bool
) -> None:
    if keys:
        sealing.seal(chunks, out, keys, armored=armored)
    else:
        out.writelines(chunks)
