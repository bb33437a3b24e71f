"""Shell completion from the server, with a short timeout; no suggestions when that fails."""

from collections.abc import Iterator

import typer

from sequin_admin.client import Api, SequinError
from sequin_admin.client.bounds import STATUSES
from sequin_admin.command_line import settings
from sequin_admin.command_line.endings import Misused

TIMEOUT_S = 2.0
MAX_ROWS = 100


def server(context: typer.Context) -> Api:
    root = context.find_root().params
    using = settings.chosen(settings.given(root.get("url") or "", root.get("key_file")))
    return Api(using.url, using.key, timeout_s=TIMEOUT_S, tries=1)


def credential_ids(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    return rows_starting(context, "credentials", incomplete)


def oauth_app_ids(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    return rows_starting(context, "oauth-apps", incomplete)


def rows_starting(context: typer.Context, path: str, incomplete: str) -> Iterator[tuple[str, str]]:
    """Pairs of id and name, for shells that show both."""
    try:
        with server(context) as api:
            for row in api.pages(path, most=MAX_ROWS):
                if row["id"].startswith(incomplete):
                    yield row["id"], row["name"]
    except (SequinError, Misused):
        return


def kinds(context: typer.Context, incomplete: str) -> list[str]:
    return named(context, "kind", incomplete)


def providers(context: typer.Context, incomplete: str) -> list[str]:
    return named(context, "provider", incomplete)


def named(context: typer.Context, what: str, incomplete: str) -> list[str]:
    try:
        with server(context) as api:
            known = {row[what] for row in api.pages("kinds")}
    except (SequinError, Misused):
        return []
    return sorted(name for name in known if name.startswith(incomplete))


def statuses(incomplete: str) -> list[str]:
    return [status for status in STATUSES if status.startswith(incomplete)]
