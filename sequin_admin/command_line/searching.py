"""`search`: find anything by its name, an id or its metadata."""

from typing import Annotated, Any

import typer

from sequin_admin.command_line import output
from sequin_admin.command_line.session import AsJson, api_of

COLUMNS = ("what", "id", "name", "detail")


def search(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS",
            help="Words that it must have, all of them; also filters such as status:customer, "
            "provider:stripe or customer:c-000777.",
        ),
    ],
    json: AsJson = False,
) -> None:
    """Find credentials, apps, syncs, links, targets, consumers, streams, members and causes."""
    with api_of(context) as api:
        found: dict[str, Any] = api.get("search", {"q": " ".join(words)})
    if json:
        output.as_json(found)
        return
    rows = [{"what": hit["entity"], **hit} for group in found["data"] for hit in group["data"]]
    output.show(rows, COLUMNS, empty="Nothing was found.")
    for title in (group["title"] for group in found["data"] if group["has_more"]):
        output.print_note(f"There are more {title.lower()}: add a word.")
