"""Import many credentials at once: all or none, and without calls to providers."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect import credential_operations, entered
from sequin_admin.connect.account_keys import Key, find_existing, keys_of, match_draft
from sequin_admin.connect.credential_operations import Saved
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.digests import secret_key_digests
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import InvalidEntry, Properties
from sequin_admin.credentials.row import save_locked
from sequin_admin.limits.models import store_limits
from sequin_admin.notifications.events import record_and_notify_many
from sequin_admin.tokens import chains, lifetimes
from sequin_admin.tokens.models import Token

MARK_CHARS = 32


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Match:
    """An item's draft with the credential of its account, locked, and that one's token row.

    `keys` are the draft's, `digests` those of its chain, `seen` the properties whose token it had
    before.
    """

    item: Item
    draft: Credential
    keys: list[Key]
    known: Credential | None
    token: Token | None
    digests: Mapping[str, str]
    seen: Collection[str]


class InvalidItems(Exception):
    """Masks, or what does not go with a stored secret. `sentences` by index, then by property."""

    def __init__(self, sentences: Mapping[int, Mapping[str, str]]) -> None:
        super().__init__(f"Not taken: {sorted(sentences)}.")
        self.sentences = sentences


def save_credentials(
    organization: Organization, items: Sequence[Item], *, actor: AnyActor
) -> list[Saved]:
    """Import all in one transaction. Each is new, or updates the one of the same account.

    Unlike a single import this makes no calls to providers: a thousand would take minutes. What is
    new or changed becomes due for a probe by the worker. Where only the provider knows the account
    of a key (Stripe, SendGrid), an existing credential is found by the digest of its secrets; one
    whose refresh tokens rotate, by each that it ever had. A second key of a known account becomes
    another credential; its probe reports the duplicate.

    Raises `SameAccount`, `InvalidItems`, and `RightLost` when the actor lost the right meanwhile;
    nothing is stored then.
    """
    try:
        return upsert_rows(organization, items, actor=actor)
    except IntegrityError:
        # A concurrent import created one of them; it exists now and is updated.
        return upsert_rows(organization, items, actor=actor)


@transaction.atomic
def preview_import(
    organization: Organization, items: Sequence[Item]
) -> tuple[list[Saved], list[list[str]]]:
    """What an import would return, and marks of each item's account: two items that share one are
    of the same account. Stores nothing. Raises `SameAccount` and `InvalidItems`."""
    matches = match_items(organization, items)
    marks = [account_marks(organization, match) for match in matches]
    return merge_all(matches), marks


def account_marks(organization: Organization, match: Match) -> list[str]:
    """Keyed digests of what identifies the account, which tell nothing but that it is the same."""
    known = [("known", str(match.known.pk))] if match.known else []
    texts = ["\n".join((str(organization.pk), *key)) for key in (*match.keys, *known)]
    digests = (secret_key_digests("import.account", text)[0] for text in texts)
    return [digest[:MARK_CHARS] for digest in digests]


@transaction.atomic
def upsert_rows(
    organization: Organization, items: Sequence[Item], *, actor: AnyActor
) -> list[Saved]:
    matches = match_items(organization, items)
    former = [entered.stored_secrets(match.known) if match.known else {} for match in matches]
    places = [match.known.destination if match.known else "" for match in matches]
    saved = merge_all(matches)
    # Sorted, so that concurrent imports of the same accounts do not deadlock.
    create_rows(
        [match.draft for match in sorted(matches, key=lambda match: match.keys) if not match.known]
    )
    known = [each for each in saved if not each.is_new and (each.changed or each.change.retry)]
    save_locked([each.credential for each in known])
    entered.update_tokens([(each.credential, each.change) for each in known])
    entered.keep_former(
        [
            entered.replaced_secrets(each.credential, secrets, place)
            for each, secrets, place in zip(saved, former, places, strict=True)
            if not each.is_new
        ],
        actor,
    )
    remember_tokens(matches, saved, former)
    pairs = zip(matches, saved, strict=True)
    rates = [(each.credential, match.item.rate) for match, each in pairs if match.item.rate]
    store_limits(rates, actor=actor)
    changes = (each.audited_change() for each in saved if each.is_changed)
    record_and_notify_many(organization, changes, actor)
    refuse_lost_right(actor, organization)
    return saved


def create_rows(credentials: Sequence[Credential]) -> None:
    """Store new credentials, and a token row that is due for those that are renewed."""
    for credential in credentials:
        credential.update_secret_columns()
        credential.update_end()
    Credential.objects.bulk_create(credentials)
    now = clock.now()
    renewed = filter(lifetimes.is_renewable, credentials)
    Token.objects.bulk_create([Token(credential=row, refresh_at=now) for row in renewed])


def remember_tokens(
    matches: Sequence[Match], saved: Sequence[Saved], former: Sequence[Mapping[str, str]]
) -> None:
    """Add the entered tokens, and those that they replaced, to the chains."""
    digests = chains.Digests()
    chains.remember(
        (each.credential, {*match.digests.values(), *digests.of(match.draft, before).values()})
        for match, each, before in zip(matches, saved, former, strict=True)
        if each.is_new or each.change.secrets
    )


def merge_all(matches: Sequence[Match]) -> list[Saved]:
    """Put every draft into its credential, without saving. Raises `InvalidItems`."""
    saved, wrong = [], {}
    for index, match in enumerate(matches):
        try:
            saved.append(merged(match))
        except InvalidEntry as error:
            wrong[index] = error.sentences
    if wrong:
        raise InvalidItems(wrong)
    return saved


def merged(match: Match) -> Saved:
    item, draft, known = match.item, match.draft, match.known
    given = credential_operations.name_and_metadata(draft, item.name, item.metadata)
    if known is None:
        entered.prepare_new(draft)
        return Saved(draft, is_new=True, change=entered.CREATED)
    columns = credential_operations.set_given(known, draft, given)
    change = entered.merge(known, draft, seen=match.seen, token=match.token, complete=True)
    if known.identity is None and draft.identity:
        known.identity, columns = draft.identity, (*columns, "identity")
    return Saved(known, is_new=False, change=change, columns=columns)


def match_items(organization: Organization, items: Sequence[Item]) -> list[Match]:
    """Each item with its existing credential, locked. Raises `SameAccount`."""
    drafts, reader = drafts_of(organization, items), chains.Digests()
    digests = [reader.of(draft) for draft in drafts]
    keys = [
        keys_of(draft, chain=chain.values()) for draft, chain in zip(drafts, digests, strict=True)
    ]
    refuse_duplicates(keys)
    all_digests = {digest for chain in digests for digest in chain.values()}
    found = find_existing(organization, keys, chains.holders_of(all_digests))
    # Read again under the locks: a renewal may have spent one meanwhile.
    holders = chains.holders_of(all_digests)
    known = matched(drafts, keys, found)
    tokens = Token.objects.select_for_update().in_bulk([row.pk for row in known if row])
    return [
        Match(
            item,
            draft,
            each,
            row,
            token=tokens.get(row.pk) if row else None,
            digests=chain,
            seen=chains.seen_names(row, chain, holders) if row else (),
        )
        for item, draft, each, row, chain in zip(items, drafts, keys, known, digests, strict=True)
    ]


def drafts_of(organization: Organization, items: Iterable[Item]) -> list[Credential]:
    return [
        credential_operations.draft_of(organization, item.properties, oauth_app=item.oauth_app)
        for item in items
    ]


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


def matched(
    drafts: Sequence[Credential],
    keys: Sequence[Sequence[Key]],
    found: Mapping[Key, Credential],
) -> list[Credential | None]:
    """The existing credential of each draft's account, or None. Raises `SameAccount`."""
    known = [match_draft(*each, found) for each in zip(drafts, keys, strict=True)]
    refuse_duplicates([row.pk] if row else [] for row in known)
    return known
