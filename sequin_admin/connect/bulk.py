"""Import many credentials at once: all or none, and without calls to providers."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect import audit_trail, credential_operations
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import Properties
from sequin_admin.limits.models import set_limit

# Equal for two imports of one account: kind, OAuth app, "account" or "secrets", identity or digest.
Key = tuple[str, Any, str, str]


@dataclass(frozen=True)
class Item:
    """One credential to import: the arguments of `save_credential()`, and a rate limit."""

    properties: Properties
    name: str = ""
    oauth_app: OAuthApp | None = None
    metadata: dict[str, Any] | None = None
    rate: Rate | None = None


class SameAccount(Exception):
    """Two items are for the same account. `pairs` has the indexes of each such pair."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        super().__init__(f"The same account came twice: {pairs}.")
        self.pairs = pairs


def save_credentials(
    organization: Organization, items: Sequence[Item], *, actor: models.Model | None
) -> list[tuple[Credential, bool]]:
    """Import all in one transaction. Each is new (True), or updates the one of the same account.

    Unlike a single import this makes no calls to providers: a thousand would take minutes. All
    become due for a probe by the worker. Where only the provider knows the account of a key
    (Stripe, SendGrid, Airtable), an existing credential is found by the digest of its secrets.
    A second key of a known account becomes another credential; its probe reports the duplicate.

    Raises `SameAccount`, and `RightLost` when the actor lost the right meanwhile; nothing is stored
    then.
    """
    try:
        return upsert_rows(organization, items, actor=actor)
    except IntegrityError:
        # A concurrent import created one of them; it exists now and is updated.
        return upsert_rows(organization, items, actor=actor)


def preview_import(organization: Organization, items: Sequence[Item]) -> list[bool]:
    """Whether each item would be new (True) or an update. Stores nothing. Raises `SameAccount`."""
    drafts = drafts_of(organization, items)
    return [known is None for known in matched(drafts, find_existing(organization, drafts))]


@transaction.atomic
def upsert_rows(
    organization: Organization, items: Sequence[Item], *, actor: models.Model | None
) -> list[tuple[Credential, bool]]:
    drafts = drafts_of(organization, items)
    known = matched(drafts, find_existing(organization, drafts, lock=True))
    rows = [merged(*each) for each in zip(items, drafts, known, strict=True)]
    new = [row for row, before in zip(rows, known, strict=True) if before is None]
    # Sorted, so that concurrent imports of the same accounts do not deadlock.
    Credential.objects.bulk_create(sorted(new, key=keys_of))
    for before in filter(None, known):
        before.save()
    for item, row in zip(items, rows, strict=True):
        credential_operations.apply_grant(row, None)
        if item.rate:
            set_limit(row, item.rate, actor=actor)
    results = [(row, before is None) for row, before in zip(rows, known, strict=True)]
    audit_trail.record_imports(organization, results, actor=actor)
    refuse_lost_right(actor, organization)
    return results


def merged(item: Item, draft: Credential, known: Credential | None) -> Credential:
    given = credential_operations.name_and_metadata(draft, item.name, item.metadata)
    credential = credential_operations.merged_row(draft, known, given)
    credential.update_secret_columns()
    return credential


def drafts_of(organization: Organization, items: Iterable[Item]) -> list[Credential]:
    """A draft for each item. Raises `SameAccount`."""
    drafts = [
        credential_operations.draft_of(organization, item.properties, oauth_app=item.oauth_app)
        for item in items
    ]
    refuse_duplicates([keys_of(draft) for draft in drafts])
    return drafts


def refuse_duplicates(groups: Iterable[Iterable[Hashable]]) -> None:
    """Raise `SameAccount` when two groups have a key in common."""
    first: dict[Hashable, int] = {}
    pairs = {}
    for index, keys in enumerate(groups):
        for key in keys:
            if first.setdefault(key, index) != index:
                pairs[index] = first[key]
    if pairs:
        raise SameAccount([(earlier, later) for later, earlier in pairs.items()])


def keys_of(row: Credential, *, digest: str | None = None) -> list[Key]:
    """Keys of the credential: by identity if known, and by secrets if they have a digest."""
    digest = row.digest_of(row.secrets) if digest is None else digest
    values = {"account": row.identity, "secrets": digest}
    return [(row.kind, str(row.oauth_app_id), by, text) for by, text in values.items() if text]


def find_existing(
    organization: Organization, drafts: Sequence[Credential], *, lock: bool = False
) -> dict[Key, Credential]:
    """The organization's credentials that share a key with a draft, by key."""
    wanted = [key for draft in drafts for key in keys_of(draft)]
    identities = {text for _, _, by, text in wanted if by == "account"}
    digests = {text for _, _, by, text in wanted if by == "secrets"}
    same = models.Q(identity__in=identities) | models.Q(secrets_digest__in=digests)
    rows = Credential.objects.of(organization).filter(same, kind__in={d.kind for d in drafts})
    rows = (rows.select_for_update() if lock else rows).order_by("pk")
    found: dict[Key, Credential] = {}
    for row in sorted(rows, key=lambda row: row.created_at, reverse=True):
        row.organization = organization
        found |= dict.fromkeys(keys_of(row, digest=row.secrets_digest), row)
    return found


def matched(
    drafts: Sequence[Credential], found: Mapping[Key, Credential]
) -> list[Credential | None]:
    """The existing credential of each draft's account, or None. Raises `SameAccount`."""
    known = [match(draft, found) for draft in drafts]
    refuse_duplicates([row.pk] if row else [] for row in known)
    return known


def match(draft: Credential, found: Mapping[Key, Credential]) -> Credential | None:
    """Match by identity, or by secrets where the identity of one of the two is not known."""
    rows = (found[key] for key in keys_of(draft) if key in found)
    fitting = (row for row in rows if len({row.identity, draft.identity} - {None}) <= 1)
    return next(fitting, None)
