"""Delete a credential, and revoke its access at the provider."""

from copy import copy

from django.db import transaction

from sequin_admin.audit.models import record_change
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import renewal


def delete(credential: Credential, *, actor: AnyActor) -> bool:
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


def delete_locked(credential: Credential, *, actor: AnyActor) -> str:
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


def revoke_access(credential: Credential, token: str, *, actor: AnyActor) -> bool:
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
