"""Operations on credentials: import, update, disable, delete. All of them are audited."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, models, transaction

from sequin_admin.access.models import Organization
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect.audit_trail import record_credential_change
from sequin_admin.core import clock
from sequin_admin.core.fields import Secrets
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import FAILURES, NAME_CHARS, Credential, OAuthApp
from sequin_admin.credentials.outcomes import Outcome
from sequin_admin.credentials.properties import Properties
from sequin_admin.credentials.signals import disabled
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token


class OtherAccount(Exception):
    """The secrets or the grant are for another account. `str()` names the accounts."""


def save_credential(
    organization: Organization,
    properties: Properties,
    *,
    actor: models.Model | None,
    name: str = "",
    oauth_app: OAuthApp | None = None,
    metadata: dict[str, Any] | None = None,
    grant: TokenGrant | None = None,
) -> tuple[Credential, bool]:
    """Import: update the credential of the same account, or make a new one (True).

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
    if draft.identity is None:
        probe_draft(draft)
        refuse_lost_right(actor, organization)
    return draft


def draft_of(
    organization: Organization, properties: Properties, *, oauth_app: OAuthApp | None = None
) -> Credential:
    """An unsaved credential."""
    kind = kinds.get(properties.kind)  # type: ignore[attr-defined]
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
) -> tuple[Credential, bool]:
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
) -> tuple[Credential, bool]:
    """Update the credential of the draft's account, or save the draft as a new one (True)."""
    known = same_account(draft).select_for_update().first() if draft.identity else None
    known = known or same_secrets(draft).select_for_update().first()
    credential = merged_row(draft, known, given)
    credential.save()
    apply_grant(credential, grant)
    action = "credential.updated" if known else "credential.created"
    record_credential_change(action, credential, actor, account=credential.describe())
    return credential, known is None


def merged_row(draft: Credential, known: Credential | None, given: set[str]) -> Credential:
    """The row to save: the draft, or the `known` credential with the draft's properties.

    `given` are the columns, of name and metadata, that overwrite those of `known`.
    """
    if known is None:
        return draft
    # Without an identity in the draft, the properties discovered before remain valid.
    before = {} if draft.identity else known.properties
    known.properties, known.secrets = {**before, **draft.properties}, dict(draft.secrets)
    known.identity = known.identity or draft.identity
    known.secrets_changed_at, known.disabled_at = clock.now(), None
    for column in given:
        setattr(known, column, getattr(draft, column))
    known.check_due_at = clock.now()
    return known


def same_account(draft: Credential) -> models.QuerySet[Credential]:
    return Credential.objects.of(draft.organization).filter(
        kind=draft.kind, identity=draft.identity, oauth_app=draft.oauth_app
    )


def same_secrets(draft: Credential) -> models.QuerySet[Credential]:
    """Credentials with equal secrets, oldest first, unless the identity of both is known."""
    digest = draft.digest_of(draft.secrets)
    rows = Credential.objects.of(draft.organization) if digest else Credential.objects.none()
    rows = rows.filter(kind=draft.kind, secrets_digest=digest, oauth_app=draft.oauth_app)
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
            "that credential, or delete it first."
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
        token = draft.mint().access_token if draft.mints else draft.static_token()
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
    """Store a grant's token; without a grant, a token row that is due for renewal at once."""
    if grant and not credential.mints:
        renewal.store_grant(credential, grant)
        return
    if renewal.is_renewable(credential):
        Token.objects.filter(credential=credential).delete()
        Token.objects.create(credential=credential, refresh_at=clock.now())


def replace_secrets(
    credential: Credential, properties: Properties, *, actor: models.Model | None
) -> Credential:
    """Replace the secrets. Raises `OtherAccount` when they are for another account."""
    draft = replacement_of(credential, properties)
    if not credential.mints and not renewal.is_renewable(credential):
        probe_draft(draft)
        refuse_lost_right(actor, credential.organization)
    return apply_replacement(credential, draft, actor=actor)


def replacement_of(credential: Credential, properties: Properties) -> Credential:
    """A draft with new secrets for the credential. Its identity may be unknown."""
    draft = draft_of(credential.organization, properties, oauth_app=credential.oauth_app)
    drop_discovered(draft)
    return draft


@transaction.atomic
def apply_replacement(
    credential: Credential, draft: Credential, *, actor: models.Model | None
) -> Credential:
    """Copy a draft's secrets to the credential. Raises `OtherAccount` for another account."""
    if credential.identity and draft.identity and draft.identity != credential.identity:
        raise OtherAccount(
            f"These are the secrets of {draft.describe()}, but this credential is for "
            f"{credential.describe()}. Nothing was changed. Add the other account as a "
            "credential of its own."
        )
    changed = sorted(n for n in draft.secrets if draft.secrets[n] != credential.secrets.get(n))
    credential.properties = {**credential.properties, **draft.properties}
    credential.secrets = dict(draft.secrets)
    credential.identity = credential.identity or draft.identity
    refuse_duplicate(credential)
    credential.secrets_changed_at = clock.now() if changed else credential.secrets_changed_at
    credential.check_due_at = clock.now()
    credential.save()
    apply_grant(credential, None)
    record_credential_change("credential.secrets_replaced", credential, actor, changed=changed)
    return credential


@transaction.atomic
def update_details(
    credential: Credential,
    *,
    actor: models.Model | None,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
    contact_email: str | None = None,
) -> None:
    changes = {"name": name, "metadata": metadata, "contact_email": contact_email}
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(credential, n)}
    if not changed:
        return
    for field, value in changed.items():
        setattr(credential, field, value)
    credential.save(update_fields=[*changed, "updated_at"])
    record_credential_change("credential.changed", credential, actor, changed=sorted(changed))


def reveal(
    credential: Credential, *, actor: models.Model | None, purpose: str = ""
) -> dict[str, str]:
    """Return the secrets in plain text, after an audit event of who reads them and why.

    Raises `DecryptionError`, without an audit event.
    """
    secrets = Secrets(credential.secrets)
    record_credential_change(
        "credential.revealed", credential, actor, purpose=purpose, secrets=sorted(secrets)
    )
    return secrets


def exchange_token(credential: Credential, *, actor: models.Model | None) -> None:
    """Exchange an old-format token for one that can be renewed. Raises `Refused`.

    Audited before the call: the old token may be invalid even when no response arrives.
    """
    record_credential_change(
        "credential.token_exchange_begun", credential, actor, account=credential.describe()
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
        record_credential_change("credential.disabled", credential, actor)


@transaction.atomic
def enable(credential: Credential, *, actor: models.Model | None) -> None:
    now = clock.now()
    rows = Credential.objects.filter(pk=credential.pk, disabled_at__isnull=False)
    if rows.update(disabled_at=None, check_due_at=now):
        credential.refresh_from_db(fields=["disabled_at", "check_due_at"])
        record_credential_change("credential.enabled", credential, actor)


def delete(credential: Credential, *, actor: models.Model | None) -> bool:
    """Revoke the access at the provider, where it supports that, then delete the credential.

    Returns whether the provider confirmed; the credential is deleted in any case. Raises `InUse`,
    with nothing done, while other rows need it.
    """
    refuse_if_used(credential)
    revoked = revoke_access(credential)
    with transaction.atomic():
        record_credential_change(
            "credential.deleted",
            credential,
            actor,
            account=credential.describe(),
            given_back=revoked,
        )
        credential.delete()
    return revoked


def revoke_access(credential: Credential) -> bool:
    """Revoke at the provider. False when it does not support that or the call failed."""
    if type(credential).revoke is Credential.revoke:
        return False
    token = Token.objects.filter(credential=credential).first()
    try:
        credential.revoke(renewal.stored_access_token(token) if token and token.version else "")
    except FAILURES:
        return False
    return True
