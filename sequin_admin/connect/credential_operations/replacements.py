"""New secrets for a credential that is stored."""

from copy import copy
from uuid import UUID

from django.db import transaction

from sequin_admin.access import former_secrets
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.connect import entered
from sequin_admin.connect.credential_operations.accounts import OtherAccount, locked
from sequin_admin.connect.credential_operations.drafts import draft_of, drop_discovered, probe_draft
from sequin_admin.connect.credential_operations.imports import Saved, take_entered
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.models import Credential, FormerCredentialSecrets
from sequin_admin.credentials.properties import Properties, unmasked
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import lifetimes


def replace_secrets(credential: Credential, properties: Properties, *, actor: AnyActor) -> Saved:
    """Replace the secrets. Raises `InvalidEntry`, and `OtherAccount` when they are for another
    account."""
    draft = identified_replacement(credential, properties, actor=actor)
    return apply_replacement(credential, draft, actor=actor)


def identified_replacement(
    credential: Credential, properties: Properties, *, actor: AnyActor
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
    draft.probed = probed.probed


@transaction.atomic
def apply_replacement(credential: Credential, draft: Credential, *, actor: AnyActor) -> Saved:
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
    change = take_entered(credential, draft, complete=False, actor=actor)
    public = [name for name in change.names if name not in change.secrets]
    changed = {"credential.secrets_replaced": [*change.secrets], "credential.changed": public}
    for action, names in changed.items():
        if names:
            record_and_notify(credential, action, actor, kind=credential.kind, changed=names)
    return Saved(credential, is_new=False, change=change)


def put_back(credential: Credential, pk: UUID, *, actor: AnyActor) -> Saved:
    """Let former secrets and the current ones change places, as if they were entered.

    Raises `NotPutBack`, `DecryptionError`, `InvalidEntry`, and `OtherAccount` when they are for
    another account.
    """
    with transaction.atomic():
        former = take_former(credential, pk)
    stored = {**entered.stored_secrets(credential), **former.secrets}
    properties = credential.parsed_with(stored)
    # Before the row is locked: the provider may be asked whose secrets these are.
    draft = identified_replacement(credential, properties, actor=actor)
    with transaction.atomic():
        # One after the other: only the first finds them.
        former = take_former(locked(credential), pk)
        former.delete()
        saved = apply_replacement(credential, draft, actor=actor)
        record_and_notify(
            saved.credential,
            "credential.secrets_put_back",
            actor,
            kind=credential.kind,
            changed=former.names,
        )
    return saved


def take_former(credential: Credential, pk: UUID) -> FormerCredentialSecrets:
    """Raises `NotPutBack`."""
    return former_secrets.take(
        FormerCredentialSecrets, credential, pk, destination=credential.destination
    )
