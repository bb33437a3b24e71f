"""Code snippets on a credential's page, with its id and our URL filled in.

Their text is in `templates/credentials/snippets/`.
"""

from dataclasses import dataclass

from django.template.loader import render_to_string

from sequin_admin.access.models import Scope
from sequin_admin.credentials.models import Credential


@dataclass(frozen=True)
class Snippet:
    """`title` says what the lines do; `scopes` are those that the API key needs."""

    title: str
    text: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True)
class SnippetGroup:
    """The snippets of one tool, such as curl."""

    slug: str
    title: str
    snippets: tuple[Snippet, ...]


def build_snippets(credential: Credential, base: str) -> tuple[SnippetGroup, ...]:
    """The snippets for a credential; `base` is the URL of this installation."""

    def snippet(name: str, title: str, *scopes: Scope) -> Snippet:
        context = {"pk": credential.pk, "base": base}
        lines = render_to_string(f"credentials/snippets/{name}.txt", context)
        return Snippet(title, lines.strip(), scopes)

    call = snippet(
        "python_form" if sends_secret_in_form(credential) else "python_call",
        "Call the provider with it, as fast as its rate limit lets you",
        Scope.SECRETS,
        Scope.PERMITS,
    )
    if sends_login_in_body(credential):
        call = snippet("python_login", "What to write into the call's body", Scope.SECRETS)
    return (
        SnippetGroup(
            "curl",
            "curl",
            (
                snippet("curl_read", "Read it", Scope.READ),
                snippet("curl_token", "What the next call needs: its token", Scope.SECRETS),
                snippet("curl_permit", "A permit for the next call", Scope.PERMITS),
            ),
        ),
        SnippetGroup("python", "Python", (call,)),
        SnippetGroup(
            "command-line", "Command line", (snippet("command_read", "Read it", Scope.READ),)
        ),
    )


def sends_secret_in_form(credential: Credential) -> bool:
    """Whether calls carry the secret in a form instead of a header."""
    return overrides(credential, "call_fields")


def sends_login_in_body(credential: Credential) -> bool:
    """Whether the caller puts user name and password into the body, such as a SOAP envelope."""
    return overrides(credential, "call_login")


def overrides(credential: Credential, method: str) -> bool:
    """Whether the kind overrides the method. Looks at the class, so no secret is decrypted."""
    return getattr(type(credential), method) is not getattr(Credential, method)
