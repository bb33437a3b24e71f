"""The API client of a command, and options that many commands share."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from sequin_admin.client import Api
from sequin_admin.client.bounds import CUSTOMER, HEALTHY, SEQUIN
from sequin_admin.command_line import completion, settings
from sequin_admin.command_line.endings import Misused
from sequin_admin.command_line.settings import Settings


@dataclass(frozen=True)
class Session:
    """What the command line was told of the server, for all of its commands."""

    given: Settings

    def api(self, **options: Any) -> Api:
        """Raises `Misused` when the address or the API key is missing."""
        return open_api(settings.chosen(self.given), **options)


def open_api(using: Settings, **options: Any) -> Api:
    """Raises `Misused` where the certificates to trust can't be read."""
    try:
        return Api(using.url, using.key, **options)
    except OSError:  # ssl.SSLError is one
        raise Misused(
            "SSL_CERT_FILE names no file with certificates that can be read. Correct it, or unset "
            "it to trust the system's."
        ) from None


def api_of(context: typer.Context) -> Api:
    session: Session = context.find_root().obj
    return session.api()


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
CredentialId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The credential's id.", autocompletion=completion.credential_ids
    ),
]
Provider = Annotated[
    str,
    typer.Option(help="Only of this provider.", autocompletion=completion.providers),
]
Kind = Annotated[str, typer.Option(help="Only of this kind.", autocompletion=completion.kinds)]
Status = Annotated[
    str,
    typer.Option(
        help=f"Only of this status: {HEALTHY}, {CUSTOMER} or {SEQUIN}.",
        autocompletion=completion.statuses,
    ),
]
Search = Annotated[
    str,
    typer.Option(
        help="Only with these words in name, account, id or metadata; filters such as "
        "status:customer, provider:stripe or plan:pro are words, too."
    ),
]
Metadata = Annotated[
    list[str],
    typer.Option(
        metavar="KEY=VALUE",
        help="Only with this metadata; may be given again. A value may be JSON: plan=pro, seats=5.",
    ),
]


def filters(
    provider: str, kind: str, status: str, search: str, metadata: list[str]
) -> dict[str, str]:
    """Query parameters of the options that were given."""
    pairs = json.dumps(pairs_of(metadata)) if metadata else ""
    asked = {
        "provider": provider,
        "kind": kind,
        "health.status": status,
        "search": search,
        "metadata": pairs,
    }
    return {name: value for name, value in asked.items() if value}


def pairs_of(given: list[str]) -> dict[str, Any]:
    """{"plan": "pro", "seats": 5} from plan=pro and seats=5. Raises `Misused`."""
    pairs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Misused("Metadata is given as KEY=VALUE.")
        try:
            pairs[name] = json.loads(value)
        except ValueError:
            pairs[name] = value
    return pairs
