"""Lines to copy from a credential's page that run as they are, with its id and our address."""

from dataclasses import dataclass
from uuid import UUID

from sequin_admin.access.models import Scope

READ = """\
curl {base}/v1/credentials/{pk} \\
  -H "Authorization: Bearer $SEQUIN_API_KEY\""""

BEARER = """\
curl {base}/v1/credentials/{pk}/token \\
  -H "Authorization: Bearer $SEQUIN_API_KEY\""""

PERMIT = """\
curl {base}/v1/credentials/{pk}/permits \\
  -H "Authorization: Bearer $SEQUIN_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"n": 1, "wait_ms": 2000}}'"""

PYTHON = """\
import os

import httpx2

from sequin_admin.client import Client

with Client("{base}", os.environ["SEQUIN_API_KEY"]) as sequin:
    credential = sequin.credential("{pk}")
    with httpx2.Client(
        base_url=credential.base_url, transport=credential.transport()
    ) as provider:
        print(provider.get("/").status_code)"""

COMMAND = """\
export SEQUIN_URL={base}
sequin-admin credentials get {pk}"""


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

    def snippet(says: str, text: str, *scopes: Scope) -> Snippet:
        return Snippet(says, text.format(pk=pk, base=base), scopes)

    return (
        Way(
            "curl",
            "curl",
            (
                snippet("Read it", READ, Scope.READ),
                snippet("What the next call needs: its token", BEARER, Scope.SECRETS),
                snippet("A permit for the next call", PERMIT, Scope.PERMITS),
            ),
        ),
        Way(
            "python",
            "Python",
            (
                snippet(
                    "Call the provider with it, as fast as its rate limit lets you",
                    PYTHON,
                    Scope.SECRETS,
                    Scope.PERMITS,
                ),
            ),
        ),
        Way("command-line", "Command line", (snippet("Read it", COMMAND, Scope.READ),)),
    )
