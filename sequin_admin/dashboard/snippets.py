"""Lines to copy from a credential's page that run as they are, with its id and our address.

Their text is in `templates/credentials/snippets/`.
"""

from dataclasses import dataclass
from uuid import UUID

from django.template.loader import render_to_string

from sequin_admin.access.models import Scope


@dataclass(frozen=True)
class Snippet:
    """`says` what the lines do, `scopes` what the API key must be allowed for them."""

    says: str
    text: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True)
class Way:
    """One tool, and what to do with it."""

    slug: str
    title: str
    snippets: tuple[Snippet, ...]


def of(pk: UUID | str, base: str) -> tuple[Way, ...]:
    """For the credential with this id, of the installation at this address."""

    def snippet(name: str, says: str, *scopes: Scope) -> Snippet:
        lines = render_to_string(f"credentials/snippets/{name}.txt", {"pk": pk, "base": base})
        return Snippet(says, lines.strip(), scopes)

    call = "Call the provider with it, as fast as its rate limit lets you"
    return (
        Way(
            "curl",
            "curl",
            (
                snippet("curl_read", "Read it", Scope.READ),
                snippet("curl_token", "What the next call needs: its token", Scope.SECRETS),
                snippet("curl_permit", "A permit for the next call", Scope.PERMITS),
            ),
        ),
        Way("python", "Python", (snippet("python_call", call, Scope.SECRETS, Scope.PERMITS),)),
        Way("command-line", "Command line", (snippet("command_read", "Read it", Scope.READ),)),
    )
