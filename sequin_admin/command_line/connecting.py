"""`credentials connect-link`."""

from typing import Annotated

import typer

from sequin_admin.command_line import completion, durations, output
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.session import AsJson, api_of, pairs_of


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
    contact: Annotated[
        str, typer.Option(metavar="MAIL", help="The customer's mail address, for `links send`.")
    ] = "",
    language: Annotated[
        str, typer.Option(help="Of what the customer sees: en, de, fr, es or ja.")
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
        "contact_email": contact,
        "language": language,
        "expires_in_s": durations.milliseconds(expires_in) // 1000 if expires_in else 0,
    }
    with api_of(context) as api:
        made = api.post("connect-links", {key: value for key, value in asked.items() if value})
    if json:
        output.as_json(made)
    else:
        typer.echo(made["url"])
