"""`login` and `logout`: store or delete the server's address and the API key."""

import sys
from typing import Annotated

import typer

from sequin_admin.client import Api, Refused
from sequin_admin.command_line import output, settings
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.session import AsJson, Session, open_api
from sequin_admin.command_line.settings import Settings


def login(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where your Sequin Admin is. Asked if left out.")] = "",
    json: AsJson = False,
) -> None:
    """Remember the address and an API key, which is asked for, for this user of this machine.

    Make the key under API keys in the dashboard. Where there is no terminal to ask on, the key is
    read from stdin.
    """
    session: Session = context.obj
    given = session.given
    address = settings.checked(url) if url else given.url or prompt("Address of your Sequin Admin")
    key = given.key or settings.bare_key(prompt("API key", hidden=True), "What was entered")
    using = Settings(settings.checked(address), key)
    with open_api(using) as api:
        known = check_key(api)
    settings.save(using)
    if json:
        output.as_json({"url": using.url, "config": str(settings.path()), "api_key": known})
        return
    name = known.get("name")
    called = f" with the key {output.printable(name)}" if name else ""
    typer.echo(f"Logged in to {using.url}{called}. Kept in {settings.path()}.")


def logout(json: AsJson = False) -> None:
    """Forget what `login` remembers. The key itself stays valid: revoke it in the dashboard."""
    settings.forget()
    if json:
        output.as_json({"config": str(settings.path()), "deleted": True})
    else:
        typer.echo(f"{settings.path()} is gone.")


def prompt(what: str, *, hidden: bool = False) -> str:
    """Ask on a terminal, else read one line. Raises `Misused` for nothing."""
    if sys.stdin.isatty():
        answer = str(typer.prompt(what, hide_input=hidden, err=True))
    else:
        answer = sys.stdin.readline().strip()
    if not answer:
        raise Misused(f"{what}: nothing was given.")
    return answer.strip()


def check_key(api: Api) -> dict[str, object]:
    """The server's data about the key. Raises `Refused` when the server rejects it."""
    try:
        found: dict[str, object] = api.get("api-keys/me")
    except Refused as error:
        if error.status != 404:
            raise
        api.get("credentials", {"limit": 1})
        return {}
    return found
