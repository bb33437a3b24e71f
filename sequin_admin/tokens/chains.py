"""Which tokens were ever part of a credential's chain of rotating refresh tokens.

Where refresh tokens rotate, a file that was written an hour ago holds a spent one: storing it would
lose the living one, and using it makes some providers revoke the whole grant. So a digest of every
token that was entered or issued is kept, and an entered token with one of them changes nothing
while the chain lives. A chain that the provider refused takes any token.

What people can have in a file is kept as long as the credential: what was entered, brought by a
connection, or shown to anybody. What a renewal issued and spent unseen never left our database:
its digest is kept for `KEEP_DIGESTS_DAYS`, for files that a restored copy of the database wrote.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from uuid import UUID

import structlog

from sequin_admin.core import clock, pruning
from sequin_admin.core.digests import keyed_digest, load_key
from sequin_admin.core.fields import DecryptionError
from sequin_admin.credentials.kinds import OAuthKind
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.properties import is_mask
from sequin_admin.tokens.models import ChainDigest, Token

log = structlog.get_logger(__name__)


def rotates(credential: Credential) -> bool:
    """Whether a renewal replaces the credential's refresh token."""
    if not isinstance(credential, OAuthKind):
        return False
    app = credential.oauth_app
    return credential.flow_for(app.properties if app else {}).rotates


def token_names(kind: type[Credential]) -> tuple[str, ...]:
    """The secret properties that hold tokens of the chain, the refresh token first."""
    flow, secret = kind.oauth, kind.properties_class.secret_names()
    names = (flow.refresh_property, flow.access_property) if flow else ()
    return tuple(name for name in names if name in secret)


class Digests:
    """Computes digests; loads their key once, when a credential with a chain comes first."""

    @cached_property
    def key(self) -> bytes:
        return load_key()

    def of(
        self, credential: Credential, secrets: Mapping[str, object] | None = None
    ) -> dict[str, str]:
        """The digests of the chain's tokens among `secrets`, by property; empty without a chain.
        Without `secrets`, of the credential's own.

        Raises `DecryptionError` when no key of ours opens the digest key.
        """
        if not rotates(credential):
            return {}
        secrets = credential.secrets if secrets is None else secrets
        owner = (str(credential.organization_id), credential.kind)
        return {
            name: keyed_digest(self.key, *owner, str(secrets[name]))
            for name in token_names(type(credential))
            if secrets.get(name) and not is_mask(str(secrets[name]))
        }


def holders_of(digests: Collection[str]) -> dict[str, set[UUID]]:
    """The credentials that had the tokens with these digests."""
    if not digests:
        return {}
    found: dict[str, set[UUID]] = defaultdict(set)
    rows = ChainDigest.objects.filter(digest__in=digests)
    for digest, credential in rows.values_list("digest", "credential"):
        found[digest].add(credential)
    return found


def remember(
    entries: Iterable[tuple[Credential, Collection[str]]], *, issued_at: datetime | None = None
) -> None:
    """Add digests to the chains of their credentials: to keep, unless they were `issued_at`."""
    rows = {
        (digest, credential.pk): ChainDigest(
            credential=credential, digest=digest, issued_at=issued_at
        )
        for credential, digests in entries
        for digest in digests
    }
    # Sorted, so that concurrent imports of the same tokens do not deadlock.
    ordered = [rows[key] for key in sorted(rows)]
    if issued_at:
        ChainDigest.objects.bulk_create(ordered, ignore_conflicts=True)
    else:
        ChainDigest.objects.bulk_create(
            ordered,
            update_conflicts=True,
            unique_fields=["digest", "credential"],
            update_fields=["issued_at"],
        )


def remember_renewal(credential: Credential, *states: Mapping[str, object]) -> None:
    """Add the refresh tokens of a renewal, the spent and the issued one.

    Access tokens are left out, as nobody enters one without its refresh token.
    """
    name = credential.oauth.refresh_property if credential.oauth else ""
    digests, tokens = Digests(), [{name: state.get(name)} for state in states]
    try:
        found = {d for each in tokens for d in digests.of(credential, each).values()}
    except DecryptionError:
        # The answer of the renewal must not be lost for it.
        log.exception("refresh token not added to its chain", credential=str(credential.pk))
        return
    remember([(credential, found)], issued_at=clock.now())


def remember_shown(credential: Credential, secrets: Mapping[str, object]) -> None:
    """Keep the digests of tokens that somebody is shown, as they may come back in a file.

    Raises `DecryptionError`.
    """
    digests = Digests().of(credential, secrets).values()
    remember([(credential, digests)] if digests else [])


def prune() -> int:
    """Delete the digests of tokens that were issued long ago and that nobody was shown. Returns how
    many."""
    before = pruning.cutoff("KEEP_DIGESTS_DAYS")
    return pruning.prune(ChainDigest.objects.filter(issued_at__lt=before), by="issued_at")


def forget(credential: Credential) -> None:
    """The credential is for another account now: its former tokens say nothing about that one."""
    ChainDigest.objects.filter(credential=credential).delete()


def seen_names(
    credential: Credential, digests: Mapping[str, str], holders: Mapping[str, Collection[UUID]]
) -> set[str]:
    """The properties whose token the credential had before."""
    return {name for name, digest in digests.items() if credential.pk in holders.get(digest, ())}


def is_living(token: Token | None) -> bool:
    """Whether the provider has not refused the refresh token."""
    return token is None or not token.grant_refused
