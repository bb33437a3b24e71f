"""Lines to copy from a credential's page that run as they are, with its id and our address.

Their text is in `templates/credentials/snippets/`.
"""

from dataclasses import dataclass

from django.template.loader import render_to_string

from sequin_admin.access.models import Scope
from sequin_admin.credentials.models import Credential


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


def of(credential: Credential, base: str) -> tuple[Way, ...]:
    """For this credential, of the installation at this address."""

    def snippet(name: str, says: str, *scopes: Scope) -> Snippet:
        context = {"pk": credential.pk, "base": base}
        lines = render_to_string(f"credentials/snippets/{name}.txt", context)
        return Snippet(says, lines.strip(), scopes)

    call = snippet(
        "python_form" if enters_by_form(credential) else "python_call",
        "Call the provider with it, as fast as its rate limit lets you",
        Scope.SECRETS,
        Scope.PERMITS,
    )
    if enters_by_login(credential):
        call = snippet("python_login", "What to write into the call's body", Scope.SECRETS)
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
        Way("python", "Python", (call,)),
        Way("command-line", "Command line", (snippet("command_read", "Read it", Scope.READ),)),
    )


def enters_by_form(credential: Credential) -> bool:
    """Whether calls carry the secret in a form instead of a header."""
    return overrides(credential, "call_fields")


def enters_by_login(credential: Credential) -> bool:
    """Whether the caller writes user name and password into an envelope of its own."""
    return overrides(credential, "call_login")


def overrides(credential: Credential, method: str) -> bool:
    """By the kind, so that a page reads no secret."""
    return getattr(type(credential), method) is not getattr(Credential, method)
