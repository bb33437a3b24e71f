"""The program: its commands and global options."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from sequin_admin.command_line import (
    branding,
    causes,
    credentials,
    expiry,
    health,
    limits,
    links,
    login,
    oauth_apps,
    searching,
    settings,
    syncs,
)
from sequin_admin.command_line.endings import CODES, exit_on_error
from sequin_admin.command_line.session import Session

ABOUT = f"""Look after the credentials in your Sequin Admin, from a terminal.

Say once where it is and which API key to use: `sequin-admin login`. Or set SEQUIN_URL and
SEQUIN_API_KEY. The key never stands on the command line, where others could read it.

{CODES}"""

app = typer.Typer(
    help=ABOUT,
    no_args_is_help=True,
    # A traceback with local variables would show secrets.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("login")(login.login)
app.command("logout")(login.logout)
app.add_typer(credentials.app, name="credentials")
app.add_typer(oauth_apps.app, name="oauth-apps")
app.add_typer(limits.app, name="limits")
app.add_typer(links.app, name="links")
app.add_typer(branding.app, name="branding")
app.command("health")(health.health)
app.command("expiry")(expiry.expiry)
app.add_typer(causes.app, name="causes")
app.add_typer(syncs.app, name="syncs")
app.command("search")(searching.search)


def show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        try:
            typer.echo(version("sequin-admin"))
        except PackageNotFoundError:
            typer.echo("from a checkout")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(help="Where your Sequin Admin is; else SEQUIN_URL, else that of `login`.")
    ] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="A file that holds the API key; else SEQUIN_API_KEY, else that of `login`."
        ),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    context.obj = Session(settings.given(url, key_file))


def main() -> None:
    with exit_on_error():
        app(prog_name="sequin-admin")
