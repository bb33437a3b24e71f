"""`links`: mail connect links to their contacts, and see what became of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sequin_admin.command_line import output
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.session import AsJson, api_of

app = typer.Typer(no_args_is_help=True, help="Mail connect links to customers.")
COLUMNS = ("created_at", "purpose", "to", "language", "state", "attempts", "remark")
LinkId = Annotated[str, typer.Argument(metavar="ID", help="The connect link's id.")]
Subject = Annotated[str, typer.Option(help="One line. The template's if left out.")]
TextFile = Annotated[
    Path | None,
    typer.Option(help="A file with the text, {link} once in it. The template's if left out."),
]
Reminder = Annotated[
    int | None,
    typer.Option("--remind", min=0, help="So many hours before it ends; 0 for no reminder."),
]


@app.command("send")
def send_link(
    context: typer.Context,
    id: LinkId,
    subject: Subject = "",
    text_file: TextFile = None,
    language: Annotated[str, typer.Option(help="en, de, fr, es or ja.")] = "",
    remind: Reminder = None,
    json: AsJson = False,
) -> None:
    """Mail a link to its contact. It goes to nobody else."""
    body = mail_of(subject, text_file, remind) | ({"language": language} if language else {})
    with api_of(context) as api:
        mail = api.post(f"connect-links/{id}/send", body)
    if json:
        output.as_json(mail)
    else:
        output.facts({name: str(mail[name]) for name in ("to", "language", "state")})


@app.command("send-batch")
def send_batch(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="The batch of the links.")],
    subject: Subject = "",
    text_file: TextFile = None,
    remind: Reminder = None,
    json: AsJson = False,
) -> None:
    """Mail the open links of a batch that were not mailed yet, up to 500 at once."""
    body = {"batch": batch, **mail_of(subject, text_file, remind)}
    with api_of(context) as api:
        sent = api.post("connect-links/send", body)
    if json:
        output.as_json(sent)
        return
    output.show(sent["data"], COLUMNS[1:4], empty="None was sent.")
    for each in sent["left_out"]:
        output.print_note(f"{each['link_id']}: {each['reason']}")


@app.command("mails")
def list_mails(context: typer.Context, id: LinkId, json: AsJson = False) -> None:
    """The mails of a link, newest first, and what the mail server said."""
    with api_of(context) as api:
        found = api.get(f"connect-links/{id}/mails")
    if json:
        output.as_json(found)
    else:
        output.show(found["data"], COLUMNS, empty="It was not mailed.")


def mail_of(subject: str, text_file: Path | None, remind: int | None) -> dict[str, Any]:
    given = {"subject": subject, "text": text_of(text_file), "remind_hours": remind}
    return {name: value for name, value in given.items() if value not in ("", None)}


def text_of(file: Path | None) -> str:
    """Raises `Misused`."""
    try:
        return file.read_text("utf-8") if file else ""
    except (OSError, ValueError):
        raise Misused(f"{file} can't be read.") from None
