"""Import and connection: update the credential of the same account, or make a new one."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from sequin_admin.access.models import Organization
from sequin_admin.connect import entered
from sequin_admin.connect.credential_operations.accounts import (
    lock_first,
    refuse_duplicate,
    same_account,
    same_secrets,
)
from sequin_admin.connect.credential_operations.drafts import (
    draft_of,
    identified_draft,
    name_and_metadata,
)
from sequin_admin.connect.entered import MergeResult
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import Properties
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import chains, grants
from sequin_admin.tokens.models import Token


@dataclass(frozen=True)
class Saved:
    """A credential that was entered. Unless it `is_new`, `change` and `columns` (name, metadata)
    say what differs from before."""

    credential: Credential
    is_new: bool
    change: MergeResult
    columns: tuple[str, ...] = ()

    @property
    def changed(self) -> list[str]:
        return sorted([*self.change.names, *self.columns])

    @property
    def is_changed(self) -> bool:
        return self.is_new or bool(self.changed)

    def audited_change(self) -> tuple[Credential, str, dict[str, Any]]:
        """The credential, the action and its details, as the audit log has them."""
        details = {"kind": self.credential.kind, "account": self.credential.describe()}
        if self.is_new:
            return self.credential, "credential.created", details
        return self.credential, "credential.updated", {**details, "changed": self.changed}

    @property
    def needs_probe(self) -> bool:
        return self.change.needs_probe and not self.credential.is_disabled()


def save_credential(
    organization: Organization,
    properties: Properties,
    *,
    actor: AnyActor,
    name: str = "",
    oauth_app: OAuthApp | None = None,
    metadata: dict[str, Any] | None = None,
    grant: TokenGrant | None = None,
) -> Saved:
    """Import: update the credential of the same account, or make a new one. Raises `InvalidEntry`.

    When `properties` do not contain the identity, the provider is called once. If that fails, the
    credential is still saved and probed later; until then it is matched by its secrets' digest.
    """
    if grant:
        draft = draft_of(organization, properties, oauth_app=oauth_app)
    else:
        draft = identified_draft(organization, properties, actor=actor, oauth_app=oauth_app)
    return save_draft(draft, actor=actor, name=name, metadata=metadata, grant=grant)


def save_draft(
    draft: Credential,
    *,
    actor: AnyActor,
    name: str = "",
    metadata: dict[str, Any] | None = None,
    grant: TokenGrant | None = None,
) -> Saved:
    """As `save_credential()`, for a draft and without a call to the provider."""
    given = name_and_metadata(draft, name, metadata)
    try:
        return upsert(draft, grant, actor=actor, given=given)
    except IntegrityError:
        # A concurrent import created the same account; it exists now and is updated.
        return upsert(draft, grant, actor=actor, given=given)


@transaction.atomic
def upsert(
    draft: Credential, grant: TokenGrant | None, *, actor: AnyActor, given: set[str]
) -> Saved:
    """Update the credential of the draft's account, or save the draft as a new one (True)."""
    known = lock_first(same_account(draft)) if draft.identity else None
    known = known or lock_first(same_secrets(draft))
    if known and grant:
        saved = connect_again(known, draft, grant, given, actor=actor)
    elif known:
        saved = update_known(known, draft, given, actor=actor)
    else:
        saved = save_new(draft, grant)
    record_saved(saved, actor)
    return saved


def save_new(draft: Credential, grant: TokenGrant | None) -> Saved:
    entered.prepare_new(draft)
    draft.save()
    remember_tokens(draft)
    if grant:
        apply_grant(draft, grant)
    else:
        entered.start_tokens((draft, entered.CREATED))
    return Saved(draft, is_new=True, change=entered.CREATED)


def connect_again(
    known: Credential,
    draft: Credential,
    grant: TokenGrant,
    given: set[str],
    *,
    actor: AnyActor,
) -> Saved:
    """What a finished connection brings replaces what is stored, and enables the credential."""
    former, destination = entered.stored_secrets(known), known.destination
    before = {**known.properties, **former}
    kept = {} if draft.identity else known.properties
    known.properties, known.secrets = {**kept, **draft.properties}, dict(draft.secrets)
    changed = entered.differing(before, {**known.properties, **known.secrets})
    known.secrets_changed_at = known.check_due_at = clock.now()
    known.identity, known.disabled_at = known.identity or draft.identity, None
    columns = set_given(known, draft, given)
    known.save()
    entered.keep_former([entered.replaced_secrets(known, former, destination)], actor)
    remember_tokens(known)
    apply_grant(known, grant)
    change = MergeResult(names=tuple(changed), origin=True)
    return Saved(known, is_new=False, change=change, columns=columns)


def update_known(
    known: Credential, draft: Credential, given: set[str], *, actor: AnyActor
) -> Saved:
    """Put what differs in the draft into the locked credential."""
    columns = set_given(known, draft, given)
    change = take_entered(known, draft, complete=True, columns=columns, actor=actor)
    return Saved(known, is_new=False, change=change, columns=columns)


def set_given(known: Credential, draft: Credential, given: set[str]) -> tuple[str, ...]:
    """Set the columns that the caller gave. Returns those that differ."""
    columns = tuple(n for n in sorted(given) if getattr(known, n) != getattr(draft, n))
    for column in columns:
        setattr(known, column, getattr(draft, column))
    return columns


def take_entered(
    known: Credential,
    draft: Credential,
    *,
    complete: bool,
    actor: AnyActor,
    columns: tuple[str, ...] = (),
) -> MergeResult:
    """Merge a draft into the locked credential; save it, and its token row, where they changed.

    Raises `InvalidEntry`, and `OtherAccount` when the draft's account is another credential's.
    """
    digests = chains.Digests()
    new = digests.of(draft, draft.secrets)
    seen = chains.seen_names(known, new, chains.holders_of(new.values()))
    token = Token.objects.select_for_update().filter(pk=known.pk).first()
    former, destination = entered.stored_secrets(known), known.destination
    change = entered.merge(known, draft, seen=seen, token=token, complete=complete)
    known.probed = draft.probed
    if known.identity is None and draft.identity:
        known.identity, columns = draft.identity, (*columns, "identity")
        refuse_duplicate(known)
    if change.needs_probe or columns:
        known.save()
    if change.secrets:
        entered.keep_former([entered.replaced_secrets(known, former, destination)], actor)
        chains.remember([(known, {*new.values(), *digests.of(draft, former).values()})])
    entered.update_tokens([(known, change)])
    return change


def remember_tokens(credential: Credential) -> None:
    """Begin or go on with the chain of a credential whose tokens were entered or connected."""
    digests = chains.Digests().of(credential)
    chains.remember([(credential, digests.values())])


def record_saved(saved: Saved, actor: AnyActor) -> None:
    """Audit what is new or has changed."""
    if saved.is_changed:
        credential, action, details = saved.audited_change()
        record_and_notify(credential, action, actor, **details)


def apply_grant(credential: Credential, grant: TokenGrant | None) -> None:
    """Store a grant's token; without a grant, or for a kind that mints, have one obtained now."""
    if grant and not credential.mints_tokens():
        grants.store_grant(credential, grant)
        return
    entered.update_tokens([(credential, entered.CREATED)])
