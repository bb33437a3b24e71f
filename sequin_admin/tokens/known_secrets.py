"""The stored secrets that a text about a row must not repeat."""

from collections.abc import Iterator
from uuid import uuid4

from django.db.models import UUIDField

from sequin_admin.core.fields import DecryptionError, Secrets
from sequin_admin.core.monitored import Monitored
from sequin_admin.core.prepared import PreparedQuery
from sequin_admin.core.redaction import secrets_in
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.tokens.models import Token

TOKEN_BY_ID = PreparedQuery(lambda pk: Token.objects.filter(pk=pk), {"pk": (UUIDField(), uuid4())})


def known_secrets(subject: Monitored) -> Iterator[str]:
    """Every secret of a row, of its token, and of the rows that it needs."""
    yield from readable(subject, "secrets")
    if isinstance(subject, Credential):
        yield from readable(TOKEN_BY_ID.first(pk=subject.pk), "secrets")
    for needed in subject.depends_on():
        yield from known_secrets(needed)


def readable(row: object, column: str) -> Iterator[str]:
    """The texts in an encrypted column; none when there is no such column or no key fits."""
    try:
        value = getattr(row, column, None)
    except DecryptionError:
        return
    if isinstance(value, Secrets):
        yield from secrets_in(value)


def without_known_secrets(subject: Monitored, outcome: Outcome) -> Outcome:
    """The outcome as it may be stored and shown. Decrypts only when it has a text."""
    if not (outcome.message or outcome.evidence):
        return outcome
    return outcome.without(known_secrets(subject))
