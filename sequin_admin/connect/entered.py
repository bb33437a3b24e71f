"""What entered properties and secrets change on a stored credential.

Whatever the door (form, API, bulk, connect link): a mask keeps the stored secret, a token of a
living chain changes nothing (`tokens.chains`), and only what differs is changed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from sequin_admin.access import former_secrets
from sequin_admin.access.former_secrets import Replaced
from sequin_admin.core import clock, leases
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.field_errors import CONTRADICTION, errors_in
from sequin_admin.core.fields import DecryptionError, Secrets
from sequin_admin.credentials import grant_ends
from sequin_admin.credentials.forms import input_names
from sequin_admin.credentials.models import Credential, FormerCredentialSecrets
from sequin_admin.credentials.properties import (
    MASKED,
    InvalidEntry,
    is_mask,
    unmasked,
)
from sequin_admin.tokens import chains, lifetimes
from sequin_admin.tokens.models import Token

MOVED = "Send the secret itself: the stored one is only kept while it goes to the same host."
KEPT = (
    "The token that was sent already belongs to the access that we hold, and may have been renewed "
    "since: the stored one was kept. To replace it, connect the account again."
)


@dataclass(frozen=True)
class MergeResult:
    """The result of a merge.

    `names` are the properties that changed, sorted, and `secrets` the secret ones of them.
    `origin`: the access token came from a refresh token or key that was replaced. `retry`: secrets
    were entered after a failed renewal. `notice` is a sentence about a token that was not taken.
    """

    names: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    origin: bool = False
    retry: bool = False
    notice: str = ""

    @property
    def needs_probe(self) -> bool:
        return bool(self.names) or self.retry


# A new credential: all of it is new.
CREATED = MergeResult(origin=True, retry=True)


def prepare_new(draft: Credential) -> None:
    """Complete the draft of a new credential. Raises `InvalidEntry` for a mask."""
    refuse_masks(draft)
    add_properties_of_entered(draft, draft, clock.now())


def add_properties_of_entered(known: Credential, draft: Credential, at: datetime) -> None:
    """Set what follows from a refresh token that was entered then, but for what `draft` says."""
    follows = known.properties_of_entered(at).items()
    missing = {name: value for name, value in follows if draft.properties.get(name) is None}
    known.properties = {**known.properties, **missing}


def drop_ends(known: Credential, draft: Credential) -> None:
    """Remove the ends of the former grant, but for those that `draft` says of the new one."""
    former = set(grant_ends.NAMES) - set(draft.properties)
    known.properties = {n: value for n, value in known.properties.items() if n not in former}


def refuse_masks(draft: Credential) -> None:
    """Raise `InvalidEntry` when the draft of a new credential has a mask for a secret."""
    masked = [name for name, value in draft.secrets.items() if is_mask(value)]
    if masked:
        raise InvalidEntry(dict.fromkeys(masked, MASKED))


def merge(
    known: Credential,
    draft: Credential,
    *,
    seen: Collection[str],
    token: Token | None,
    complete: bool,
) -> MergeResult:
    """Put the draft's properties and secrets into `known`, which is locked. Does not save.

    `seen` names the draft's tokens that `known` had before. `complete` says that what the draft
    lacks was taken away, but for what we read from the account ourselves. Raises `InvalidEntry`.
    """
    stored, properties, destination = stored_secrets(known), known.properties, known.destination
    entered = {name: value for name, value in draft.secrets.items() if not is_mask(value)}
    tokens = chains.token_names(type(known))
    is_held = chains.is_living(token) and is_part_of_chain(known, entered, stored, seen)
    secrets = unmasked(draft.secrets, stored)
    if is_held:
        held = {name: stored[name] for name in tokens if name in stored}
        secrets = {n: value for n, value in secrets.items() if n not in tokens} | held
    # A former token comes with what was true when it was current.
    is_outdated = is_held and any(entered.get(n, stored.get(n)) != stored.get(n) for n in tokens)
    if not is_outdated:
        is_fresh = differing(stored, secrets) != []
        known.properties = merged_properties(known, draft, is_fresh=is_fresh, complete=complete)
    if len(entered) < len(draft.secrets):
        check_kept(known, secrets, has_moved=known.destination != destination)
    changed = differing(stored, secrets)
    names = sorted([*differing(properties, known.properties), *changed])
    if changed:
        if tokens[:1] and tokens[0] in changed:
            drop_ends(known, draft)
            add_properties_of_entered(known, draft, clock.now())
        else:
            add_properties_of_entered(known, known, known.secrets_changed_at)
        known.secrets, known.secrets_changed_at = secrets, clock.now()
    change = MergeResult(
        names=tuple(names),
        secrets=tuple(changed),
        origin=bool(origins(known, stored) & set(names)),
        retry=bool(entered and token and token.failures),
        notice=KEPT if is_held else "",
    )
    if change.needs_probe:
        known.check_due_at = clock.now()
    return change


def stored_secrets(known: Credential) -> Mapping[str, str]:
    """Empty when no key of ours opens them: then they are replaced, and can't be kept."""
    try:
        return Secrets(known.secrets)
    except DecryptionError:
        return Secrets()


def is_part_of_chain(
    known: Credential,
    entered: Mapping[str, str],
    stored: Mapping[str, str],
    seen: Collection[str],
) -> bool:
    """Whether the entered refresh token, or access token without one, was ever the credential's."""
    if not chains.rotates(known):
        return False
    decisive = next((name for name in chains.token_names(type(known)) if name in entered), "")
    if decisive not in stored:
        return False
    return decisive in seen or entered[decisive] == stored[decisive]


def merged_properties(
    known: Credential, draft: Credential, *, is_fresh: bool, complete: bool
) -> dict[str, Any]:
    """What we read from the account stays as it is stored, unless the secrets are fresh."""
    options_of = known.properties_class.options_of
    discovered = {n: v for n, v in known.properties.items() if options_of(n).get("read_only")}
    # Without an identity in the draft, the properties discovered before remain valid.
    before = discovered if complete and draft.identity else known.properties
    return {**before, **draft.properties, **({} if is_fresh else discovered)}


def check_kept(known: Credential, secrets: Mapping[str, str], *, has_moved: bool) -> None:
    """Raise `InvalidEntry` when a secret that was kept does not go with what was entered."""
    if has_moved:
        raise InvalidEntry(dict.fromkeys(secrets, MOVED))
    declared = known.properties_class
    try:
        declared.model_validate({"kind": known.kind, **known.properties, **secrets})
    except ValidationError as invalid:
        wrong = (error for error in errors_in(invalid) if error.type == CONTRADICTION)
        if said := {error.path[-1]: error.sentence for error in wrong}:
            raise InvalidEntry(said) from None


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(n for n in {*before, *after} if before.get(n) != after.get(n))


def origins(known: Credential, stored: Mapping[str, str]) -> set[str]:
    """The properties that the access token was obtained with, apart from the OAuth client's."""
    declared, tokens = known.properties_class, chains.token_names(type(known))
    if known.mints_tokens():
        return set(input_names(declared))
    return set(tokens[:1] if tokens[:1] and tokens[0] in stored else tokens)


def update_tokens(changes: Sequence[tuple[Credential, MergeResult]]) -> None:
    """What changes of credentials mean for their token rows, which are kept in place."""
    tokens = (
        Token.objects.select_for_update().order_by("pk").in_bulk([row.pk for row, _ in changes])
    )
    known = [(tokens[row.pk], row, change) for row, change in changes if row.pk in tokens]
    leases.revoke(*(token for token, _, change in known if change.origin))
    leases.save_locked([each[0] for each in known if update_token(*each)])
    start_tokens(*(each for each in changes if each[0].pk not in tokens))


def start_tokens(*changes: tuple[Credential, MergeResult]) -> None:
    """Make the token rows of credentials that have none, where they get one."""
    due = [credential for credential, change in changes if makes_due(credential, change)]
    rows = [Token(credential=each, refresh_at=clock.now()) for each in due]
    Token.objects.bulk_create(rows, ignore_conflicts=True)


def makes_due(credential: Credential, change: MergeResult) -> bool:
    """Whether a credential without a token row gets one."""
    entered = change.origin or change.secrets or change.retry
    return bool(entered) and lifetimes.is_renewable(credential)


def update_token(token: Token, credential: Credential, change: MergeResult) -> bool:
    """Put into the row what the change means for it. Does not save. False when it means nothing."""
    renewable = lifetimes.is_renewable(credential)
    token.credential, token.queue = credential, credential.queue_name
    if change.origin:
        token.invalidate(renewable=renewable)
    elif change.secrets and renewable:
        token.make_due()
    elif change.retry and renewable:
        token.end_back_off()
    else:
        return False
    return True


def keep_former(replaced: Iterable[Replaced], actor: AnyActor) -> None:
    """Keep what `replaced_secrets()` has found."""
    former_secrets.keep(FormerCredentialSecrets, replaced, actor)


def replaced_secrets(known: Credential, former: Mapping[str, str], destination: str) -> Replaced:
    """The entered ones of the former secrets of a credential if it has others now, else none."""
    tokens = chains.token_names(type(known))
    entered, stored = (
        {n: value for n, value in secrets.items() if n not in tokens}
        for secrets in (former, known.secrets)
    )
    return Replaced(known, entered if entered != stored else {}, destination)
