"""By what imported credentials are found that are of one account."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sequin_admin.access.models import Organization
from sequin_admin.connect import credential_operations
from sequin_admin.credentials.models import Credential

# Equal for two imports of one account: kind, OAuth app, and "account" with its identity, or
# "secrets" or "token" with a digest.
Key = tuple[str, Any, str, str]


def keys_of(
    row: Credential, *, digests: Iterable[str] | None = None, chain: Iterable[str] = ()
) -> list[Key]:
    """Keys of the credential: by identity if known, by secrets if they have digests, and by the
    tokens of its chain."""
    digests = row.digests_of(row.secrets) if digests is None else digests
    values = [("account", row.identity), *(("secrets", d) for d in digests)]
    values += [("token", digest) for digest in chain]
    return [(row.kind, str(row.oauth_app_id), by, text) for by, text in values if text]


def find_existing(
    organization: Organization,
    keys: Iterable[Sequence[Key]],
    holders: Mapping[str, Collection[UUID]],
) -> dict[Key, Credential]:
    """The organization's credentials that share a key or a refresh token with a draft, locked."""
    wanted = [key for each in keys for key in each]
    identities = {text for _, _, by, text in wanted if by == "account"}
    digests = {text for _, _, by, text in wanted if by == "secrets"}
    kinds = {kind for kind, *_ in wanted}
    rows = credential_operations.that_meet_any(
        organization,
        {"identity__in": identities, "kind__in": kinds},
        {"secrets_digest__in": digests},
        {"pk__in": {pk for pks in holders.values() for pk in pks}},
    )
    rows = rows.filter(kind__in=kinds).select_for_update().order_by("pk")
    had: dict[UUID, list[str]] = defaultdict(list)
    for digest, pks in holders.items():
        for pk in pks:
            had[pk].append(digest)
    found: dict[Key, Credential] = {}
    for row in sorted(rows, key=lambda row: row.created_at, reverse=True):
        row.organization = organization
        held = keys_of(row, digests=[row.secrets_digest], chain=had[row.pk])
        found |= dict.fromkeys(held, row)
    return found


def match_draft(
    draft: Credential, keys: Sequence[Key], found: Mapping[Key, Credential]
) -> Credential | None:
    """Match by identity, or by secrets where the identity of one of the two is not known."""
    rows = (found[key] for key in keys if key in found)
    fitting = (row for row in rows if len({row.identity, draft.identity} - {None}) <= 1)
    return next(fitting, None)
