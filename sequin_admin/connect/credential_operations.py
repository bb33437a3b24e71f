"""Operations on credentials: import, update, disable, delete. All of them are audited."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.connect import entered
from sequin_admin.connect.entered import MergeResult
from sequin_admin.core import clock
from sequin_admin.core.fields import Secrets
from sequin_admin.core.wrapping import trim
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import FAILURES, NAME_CHARS, Credential, OAuthApp
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.credentials.properties import Properties, unmasked
from sequin_admin.credentials.signals import disabled
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import chains, grants, lifetimes, renewal
from sequin_admin.tokens.models import Token


class OtherAccount(Exception):
    """The secrets or the grant are for another account, or the credential is gone. `str()` says
    which to the operator, `customer_sentence` to the customer."""

    def __init__(self, sentence: str, customer_sentence: str) -> None:
        super().__init__(sentence)
        self.customer_sentence = customer_sentence


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

    def audit_details(self) -> dict[str, Any]:
        account = {"account": self.credential.describe()}
        return account if self.is_new else {**account, "changed": self.changed}

    @property
    def needs_probe(self) -> bool:
        return self.change.needs_probe and not self.credential.is_disabled()


def save_credential(
    organization: Organization,
    properties: Properties,
    *,
    actor: models.Model | None,
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


def identified_draft(
    organization: Organization,
    properties: Properties,
    *,
    actor: models.Model | None,
    oauth_app: OAuthApp | None = None,
) -> Credential:
    """An unsaved credential. The provider is called once if `properties` lack the identity."""
    draft = draft_of(organization, properties, oauth_app=oauth_app)
    if draft.identity is None and not same_secrets(draft).exists():
        entered.refuse_masks(draft)
        probe_draft(draft)
        refuse_lost_right(actor, organization)
    return draft


def draft_of(
    organization: Organization, properties: Properties, *, oauth_app: OAuthApp | None = None
) -> Credential:
    """An unsaved credential."""
    kind = kinds.get(properties.kind_slug())
    draft: Credential = kind(organization=organization, oauth_app=oauth_app)
    set_properties(draft, properties)
    return draft


def save_draft(
    draft: Credential,
    *,
    actor: models.Model | None,
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


def name_and_metadata(draft: Credential, name: str, metadata: dict[str, Any] | None) -> set[str]:
    """Set `name` and `metadata` on a draft. Returns the columns that the caller gave."""
    suggested = draft.suggest_name(draft.properties) or draft.full_title()
    draft.name, draft.metadata = (name or suggested)[:NAME_CHARS], metadata or {}
    given = {"name"} if name else set()
    return given | ({"metadata"} if metadata is not None else set())


@transaction.atomic
def upsert(
    draft: Credential, grant: TokenGrant | None, *, actor: models.Model | None, given: set[str]
) -> Saved:
    """Update the credential of the draft's account, or save the draft as a new one (True)."""
    known = same_account(draft).select_for_update().first() if draft.identity else None
    known = known or same_secrets(draft).select_for_update().first()
    if known and grant:
        saved = connect_again(known, draft, grant, given)
    elif known:
        saved = update_known(known, draft, given)
    else:
        saved = save_new(draft, grant)
    record_saved(saved, actor)
    return saved


def save_new(draft: Credential, grant: TokenGrant | None) -> Saved:
    entered.prepare_new(draft)
    draft.save()
    remember_tokens(draft)
    apply_grant(draft, grant)
    return Saved(draft, is_new=True, change=entered.CREATED)


def connect_again(
    known: Credential, draft: Credential, grant: TokenGrant, given: set[str]
) -> Saved:
    """What a finished connection brings replaces what is stored, and enables the credential."""
    before = {**known.properties, **entered.stored_secrets(known)}
    kept = {} if draft.identity else known.properties
    known.properties, known.secrets = {**kept, **draft.properties}, dict(draft.secrets)
    changed = entered.differing(before, {**known.properties, **known.secrets})
    known.secrets_changed_at = known.check_due_at = clock.now()
    known.identity, known.disabled_at = known.identity or draft.identity, None
    columns = set_given(known, draft, given)
    known.save()
    remember_tokens(known)
    apply_grant(known, grant)
    change = MergeResult(names=tuple(changed), origin=True)
    return Saved(known, is_new=False, change=change, columns=columns)


def update_known(known: Credential, draft: Credential, given: set[str]) -> Saved:
    """Put what differs in the draft into the locked credential."""
    columns = set_given(known, draft, given)
    change = take_entered(known, draft, complete=True, columns=columns)
    return Saved(known, is_new=False, change=change, columns=columns)


def set_given(known: Credential, draft: Credential, given: set[str]) -> tuple[str, ...]:
    """Set the columns that the caller gave. Returns those that differ."""
    columns = tuple(n for n in sorted(given) if getattr(known, n) != getattr(draft, n))
    for column in columns:
        setattr(known, column, getattr(draft, column))
    return columns


def take_entered(
    known: Credential, draft: Credential, *, complete: bool, columns: tuple[str, ...] = ()
) -> MergeResult:
    """Merge a draft into the locked credential; save it, and its token row, where they changed.

    Raises `InvalidEntry`, and `OtherAccount` when the draft's account is another credential's.
    """
    digests = chains.Digests()
    new = digests.of(draft, draft.secrets)
    seen = chains.seen_names(known, new, chains.holders_of(new.values()))
    token = Token.objects.select_for_update().filter(pk=known.pk).first()
    former = entered.stored_secrets(known)
    change = entered.merge(known, draft, seen=seen, token=token, complete=complete)
    if known.identity is None and draft.identity:
        known.identity, columns = draft.identity, (*columns, "identity")
        refuse_duplicate(known)
    if change.needs_probe or columns:
        known.save()
    if change.secrets:
        chains.remember([(known, {*new.values(), *digests.of(draft, former).values()})])
    entered.update_token(known, change)
    return change


def remember_tokens(credential: Credential) -> None:
    """Begin or go on with the chain of a credential whose tokens were entered or connected."""
    digests = chains.Digests().of(credential, credential.secrets)
    chains.remember([(credential, digests.values())])


def record_saved(saved: Saved, actor: models.Model | None) -> None:
    """Audit what is new or has changed."""
    if saved.is_changed:
        action = "credential.created" if saved.is_new else "credential.updated"
        record_and_notify(
            saved.credential, action, actor, kind=saved.credential.kind, **saved.audit_details()
        )


def same_account(draft: Credential) -> models.QuerySet[Credential]:
    return Credential.objects.of(draft.organization).filter(
        kind=draft.kind, identity=draft.identity, oauth_app=draft.oauth_app
    )


def same_secrets(draft: Credential) -> models.QuerySet[Credential]:
    """Credentials with equal secrets, or whose chain had the draft's refresh token, oldest first,
    unless the identity of both is known."""
    digest = draft.digest_of(draft.secrets)
    chain = chains.holders_of(chains.Digests().of(draft, draft.secrets).values())
    equal = models.Q(pk__in={pk for holders in chain.values() for pk in holders})
    equal |= models.Q(secrets_digest=digest) if digest else models.Q()
    rows = Credential.objects.of(draft.organization).filter(equal)
    rows = rows.filter(kind=draft.kind, oauth_app=draft.oauth_app)
    rows = rows.filter(identity=None) if draft.identity else rows
    return rows.order_by("created_at", "pk")


def duplicate_of(credential: Credential) -> Credential | None:
    """Another credential of the same account and app. A unique constraint allows only one."""
    if credential.identity is None:
        return None
    return same_account(credential).exclude(pk=credential.pk).first()


def refuse_duplicate(credential: Credential) -> None:
    """Raise `OtherAccount` when another credential has the same account."""
    duplicate = duplicate_of(credential)
    if duplicate:
        raise OtherAccount(
            f"{credential.describe()} is here already as {duplicate}. Nothing was changed. Use "
            "that credential, or delete it first.",
            f"{credential.describe()} is connected already, so nothing was changed. Connect "
            "another account, or tell whoever sent you the link.",
        )


def set_properties(credential: Credential, properties: Properties) -> None:
    """Put parsed properties into the row's public and secret columns."""
    credential.properties = properties.public_values()
    credential.secrets = properties.secret_values()
    credential.secrets_changed_at = clock.now()
    credential.identity = credential.identity_of(credential.properties)
    credential.check_due_at = clock.now()


def drop_discovered(draft: Credential) -> None:
    """Remove read-only properties, which were read from the account of the former secret."""
    declared = draft.properties_class
    kept = (n for n in draft.properties if not declared.options_of(n).get("read_only"))
    draft.properties = {name: draft.properties[name] for name in kept}
    draft.identity = draft.identity_of(draft.properties)


def probe_draft(draft: Credential) -> Outcome:
    """Probe the draft at the provider and merge the discovered properties into it."""
    try:
        token = draft.mint().access_token if draft.mints_tokens() else draft.static_token()
        outcome = draft.probe(token)
    except FAILURES as error:
        return draft.classify_failure(error)
    merge_properties(draft, outcome.discovered)
    return outcome


def merge_properties(credential: Credential, discovered: Mapping[str, Any]) -> bool:
    """Set property values that the provider returned. True when one of them changed."""
    known = set(credential.properties_class.names())
    stored = credential.properties
    changed = {n: v for n, v in discovered.items() if n in known and stored.get(n) != v}
    credential.properties = {**stored, **changed}
    credential.identity = credential.identity or credential.identity_of(credential.properties)
    return bool(changed)


def apply_grant(credential: Credential, grant: TokenGrant | None) -> None:
    """Store a grant's token; without a grant, or for a kind that mints, have one obtained now."""
    if grant and not credential.mints_tokens():
        grants.store_grant(credential, grant)
        return
    entered.update_token(credential, entered.CREATED)


def replace_secrets(
    credential: Credential, properties: Properties, *, actor: models.Model | None
) -> Saved:
    """Replace the secrets. Raises `InvalidEntry`, and `OtherAccount` when they are for another
    account."""
    draft = identified_replacement(credential, properties, actor=actor)
    return apply_replacement(credential, draft, actor=actor)


def identified_replacement(
    credential: Credential, properties: Properties, *, actor: models.Model | None
) -> Credential:
    """A draft with new secrets, whose account the provider is asked for where only it knows."""
    draft = replacement_of(credential, properties)
    if not credential.mints_tokens() and not lifetimes.is_renewable(credential):
        identify_account(credential, draft)
        refuse_lost_right(actor, credential.organization)
    return draft


def replacement_of(credential: Credential, properties: Properties) -> Credential:
    """A draft with new secrets for the credential. Its identity may be unknown."""
    draft = draft_of(credential.organization, properties, oauth_app=credential.oauth_app)
    drop_discovered(draft)
    return draft


def identify_account(credential: Credential, draft: Credential) -> None:
    """Probe a draft to learn its account, where its secrets are not those that are stored."""
    stored = entered.stored_secrets(credential)
    secrets = unmasked(draft.secrets, stored)
    is_known = credential.identity is not None and draft.destination == credential.destination
    if is_known and secrets == stored:
        return
    probed = copy(draft)
    probed.secrets = secrets
    probe_draft(probed)
    draft.properties, draft.identity = probed.properties, probed.identity


def locked(credential: Credential) -> Credential:
    """The row as it is now: a renewal may have stored a newer refresh token. Raises
    `OtherAccount` when it was deleted."""
    row = Credential.objects.select_for_update().filter(pk=credential.pk).first()
    if row is None:
        raise OtherAccount(
            f"{credential} was deleted meanwhile. Nothing was changed.",
            "This account is no longer asked for. Nothing was changed.",
        )
    return row


@transaction.atomic
def apply_replacement(
    credential: Credential, draft: Credential, *, actor: models.Model | None
) -> Saved:
    """Copy a draft's secrets to the credential. Raises `InvalidEntry`, and `OtherAccount` for
    another account."""
    credential = locked(credential)
    if credential.identity and draft.identity and draft.identity != credential.identity:
        raise OtherAccount(
            f"These are the secrets of {draft.describe()}, but this credential is for "
            f"{credential.describe()}. Nothing was changed. Add the other account as a "
            "credential of its own.",
            f"This is for {draft.describe()}, but the link is for {credential.describe()}. Nothing "
            "was changed. Enter what belongs to that account.",
        )
    change = take_entered(credential, draft, complete=False)
    public = [name for name in change.names if name not in change.secrets]
    changed = {"credential.secrets_replaced": [*change.secrets], "credential.changed": public}
    for action, names in changed.items():
        if names:
            record_and_notify(credential, action, actor, kind=credential.kind, changed=names)
    return Saved(credential, is_new=False, change=change)


@transaction.atomic
def update_details(
    credential: Credential,
    *,
    actor: models.Model | None,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
    contact_email: str | None = None,
) -> None:
    if contact_email is not None:
        contact_email = trim(contact_email)
    changes = {"name": name, "metadata": metadata, "contact_email": contact_email}
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(credential, n)}
    if not changed:
        return
    for field, value in changed.items():
        setattr(credential, field, value)
    credential.save(update_fields=[*changed, "updated_at"])
    record_and_notify(
        credential, "credential.changed", actor, kind=credential.kind, changed=sorted(changed)
    )


def reveal(
    credential: Credential, *, actor: models.Model | None, purpose: str = ""
) -> dict[str, str]:
    """Return the secrets in plain text, after an audit event of who reads them and why.

    Raises `DecryptionError`, without an audit event.
    """
    secrets = Secrets(credential.secrets)
    with transaction.atomic():
        chains.remember_shown(credential, secrets)
        record_and_notify(
            credential,
            "credential.revealed",
            actor,
            kind=credential.kind,
            purpose=purpose,
            secrets=sorted(secrets),
        )
    return secrets


def exchange_token(credential: Credential, *, actor: models.Model | None) -> None:
    """Exchange an old-format token for one that can be renewed. Raises `Refused`.

    Audited before the call: the old token may be invalid even when no response arrives.
    """
    record_and_notify(
        credential,
        "credential.token_exchange_begun",
        actor,
        kind=credential.kind,
        account=credential.describe(),
    )
    renewal.exchange(credential)


@transaction.atomic
def disable(credential: Credential, *, actor: models.Model | None) -> None:
    """Stop using the credential: no probe, no refresh, no token for workers."""
    if Credential.objects.filter(pk=credential.pk, disabled_at=None).update(
        disabled_at=clock.now()
    ):
        credential.refresh_from_db(fields=["disabled_at"])
        disabled.send(sender=Credential, subject=credential)
        record_and_notify(credential, "credential.disabled", actor, kind=credential.kind)


@transaction.atomic
def enable(credential: Credential, *, actor: models.Model | None) -> None:
    now = clock.now()
    rows = Credential.objects.filter(pk=credential.pk, disabled_at__isnull=False)
    if rows.update(disabled_at=None, check_due_at=now):
        credential.refresh_from_db(fields=["disabled_at", "check_due_at"])
        record_and_notify(credential, "credential.enabled", actor, kind=credential.kind)


def delete(credential: Credential, *, actor: models.Model | None) -> bool:
    """Delete the credential, then revoke its access at the provider, where it supports that.

    Returns whether the provider confirmed; the credential is deleted in any case. Raises `InUse`,
    with nothing done, while other rows need it.
    """
    with transaction.atomic():
        rows = Credential.objects.select_related("oauth_app").select_for_update(of=("self",))
        row = rows.filter(pk=credential.pk).first()
        if row is None:
            return False
        token = delete_locked(row, actor=actor)
    return revoke_access(row, token, actor=actor)


def delete_locked(credential: Credential, *, actor: models.Model | None) -> str:
    """Delete the locked row: from the commit on nobody can change or use it. Raises `InUse`.

    Returns the valid access token, if any, for `revoke_access()`, which is called after the commit.
    """
    refuse_if_used(credential)
    token = renewal.get_valid_token(credential)
    account = credential.describe()
    record_and_notify(
        credential, "credential.deleted", actor, kind=credential.kind, account=account
    )
    # A copy, as Django takes the key away from the object that it deletes.
    copy(credential).delete()
    return token


def revoke_access(credential: Credential, token: str, *, actor: models.Model | None) -> bool:
    """Revoke the access of a deleted credential at the provider; audited.

    False when the provider does not support that or the call failed.
    """
    if type(credential).revoke is Credential.revoke:
        return False
    try:
        credential.revoke(token)
        revoked = True
    except FAILURES:
        revoked = False
    record_change(
        credential, "credential.access_revoked", actor, kind=credential.kind, given_back=revoked
    )
    return revoked
