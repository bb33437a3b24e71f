"""Importing many credentials at once: all of them or none, and no provider is asked meanwhile."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.connect import audit_trail, credential_operations
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import Properties
from sequin_admin.limits.models import set_limit

# What two imports of one account have in common: kind, OAuth app, and identity or digest.
Key = tuple[str, Any, str, str]


@dataclass(frozen=True)
class Item:
    """One credential to import. As the arguments of `accounts.save()`, and its own limit."""

    properties: Properties
    name: str = ""
    oauth_app: OAuthApp | None = None
    metadata: dict[str, Any] | None = None
    rate: Rate | None = None


class SameAccount(Exception):
    """Two of the items are for one account. `pairs` has the places of each such two."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        super().__init__(f"The same account came twice: {pairs}.")
        self.pairs = pairs


def save_credentials(
    organization: Organization, items: Sequence[Item], *, actor: models.Model | None
) -> list[tuple[Credential, bool]]:
    """Import all, in one transaction. Each is new (True) or updated the one of the same account.

    Providers are not asked, as they are for a single import: a thousand would take minutes. The
    worker does that at once. So where only the provider can tell whose a key is (Stripe, SendGrid,
    Airtable), it is found again by a digest of its secrets. Another key of an account that is
    here already becomes a credential of its own; its probe then says that there are two.

    Raises `SameAccount` with nothing stored.
    """
    try:
        return upsert_rows(organization, items, actor=actor)
    except IntegrityError:
        # Somebody imported one of them at the same moment; now it is there to be updated.
        return upsert_rows(organization, items, actor=actor)


def would_make(organization: Organization, items: Sequence[Item]) -> list[bool]:
    """What `save()` would do, of each whether it is new. Stores nothing. Raises `SameAccount`."""
    drafts = drafts_of(organization, items)
    return [known is None for known in matched(drafts, known_to(organization, drafts))]


@transaction.atomic
def upsert_rows(
    organization: Organization, items: Sequence[Item], *, actor: models.Model | None
) -> list[tuple[Credential, bool]]:
    drafts = drafts_of(organization, items)
    known = matched(drafts, known_to(organization, drafts, lock=True))
    rows = [merged(*each) for each in zip(items, drafts, known, strict=True)]
    new = [row for row, before in zip(rows, known, strict=True) if before is None]
    # In an order of their own: two that import the same accounts do not wait for one another.
    Credential.objects.bulk_create(sorted(new, key=keys_of))
    for before in filter(None, known):
        before.save()
    for item, row in zip(items, rows, strict=True):
        credential_operations.apply_grant(row, None)
        if item.rate:
            set_limit(row, item.rate, actor=actor)
    results = [(row, before is None) for row, before in zip(rows, known, strict=True)]
    audit_trail.record_imports(organization, results, actor=actor)
    return results


def merged(item: Item, draft: Credential, known: Credential | None) -> Credential:
    given = credential_operations.name_and_metadata(draft, item.name, item.metadata)
    credential = credential_operations.merged_row(draft, known, given)
    credential.remember_secrets()
    return credential


def drafts_of(organization: Organization, items: Iterable[Item]) -> list[Credential]:
    """Raises `SameAccount`."""
    drafts = [
        credential_operations.draft_of(organization, item.properties, oauth_app=item.oauth_app)
        for item in items
    ]
    refuse_duplicates([keys_of(draft) for draft in drafts])
    return drafts


def refuse_duplicates(marks: Iterable[Iterable[Hashable]]) -> None:
    """Raises `SameAccount` where two places have a mark in common."""
    first: dict[Hashable, int] = {}
    pairs = {}
    for place, own in enumerate(marks):
        for mark in own:
            if first.setdefault(mark, place) != place:
                pairs[place] = first[mark]
    if pairs:
        raise SameAccount([(earlier, later) for later, earlier in pairs.items()])


def keys_of(row: Credential, *, digest: str | None = None) -> list[Key]:
    """By its account, where that is known, and by its secrets, where those tell it."""
    digest = row.digest_of(row.secrets) if digest is None else digest
    ways = {"account": row.identity, "secrets": digest}
    return [(row.kind, str(row.oauth_app_id), way, text) for way, text in ways.items() if text]


def known_to(
    organization: Organization, drafts: Sequence[Credential], *, lock: bool = False
) -> dict[Key, Credential]:
    """The organization's credentials that may be of the drafts' accounts, by what tells it."""
    wanted = [key for draft in drafts for key in keys_of(draft)]
    identities = {text for _, _, way, text in wanted if way == "account"}
    digests = {text for _, _, way, text in wanted if way == "secrets"}
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
    """The credential of each draft's account, if it is here. Raises `SameAccount`."""
    known = [match(draft, found) for draft in drafts]
    refuse_duplicates([row.pk] if row else [] for row in known)
    return known


def match(draft: Credential, found: Mapping[Key, Credential]) -> Credential | None:
    """By its account; by its secrets where of one of the two the account is not known."""
    rows = (found[key] for key in keys_of(draft) if key in found)
    fitting = (row for row in rows if len({row.identity, draft.identity} - {None}) <= 1)
    return next(fitting, None)
