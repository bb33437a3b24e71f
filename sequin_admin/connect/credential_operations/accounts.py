"""Whose account a credential is: those of the same account or with the same secrets."""

from collections.abc import Collection, Mapping
from functools import reduce
from itertools import chain
from operator import or_

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.credentials.models import Credential
from sequin_admin.tokens import chains


class OtherAccount(Exception):
    """The secrets or the grant are for another account, or the credential is gone. `str()` says
    which to the operator, `customer_sentence` to the customer."""

    def __init__(self, sentence: str, customer_sentence: str) -> None:
        super().__init__(sentence)
        self.customer_sentence = customer_sentence


def same_account(draft: Credential) -> models.QuerySet[Credential]:
    return Credential.objects.of(draft.organization).filter(
        kind=draft.kind, identity=draft.identity, oauth_app=draft.oauth_app
    )


def same_secrets(draft: Credential) -> models.QuerySet[Credential]:
    """Credentials with equal secrets, or whose chain had the draft's refresh token, oldest first,
    unless the identity of both is known."""
    holders = chains.holders_of(chains.Digests().of(draft).values())
    rows = that_meet_any(
        draft.organization,
        {"secrets_digest__in": draft.digests_of(draft.secrets)},
        {"pk__in": {pk for pks in holders.values() for pk in pks}},
    )
    rows = rows.filter(kind=draft.kind, oauth_app=draft.oauth_app)
    rows = rows.filter(identity=None) if draft.identity else rows
    return rows.order_by("created_at", "pk")


def that_meet_any(
    organization: Organization, *conditions: Mapping[str, Collection[object]]
) -> models.QuerySet[Credential]:
    """Credentials that meet all lookups of one of the conditions, which an index finds.

    Each is asked by itself: for several at once, or for a kind besides, SQLite would read all of
    the organization's.
    """
    rows = Credential.objects.of(organization)
    asked = [each for each in conditions if all(each.values())]
    found = (rows.filter(**each).order_by().values_list("pk", flat=True) for each in asked)
    if pks := set(chain.from_iterable(found)):
        return rows.filter(reduce(or_, [models.Q(**each) for each in asked]), pk__in=pks)
    return rows.none()


def lock_first(rows: models.QuerySet[Credential]) -> Credential | None:
    """The first of the rows, locked until the transaction ends.

    Found by its id: an import mostly finds none, and a query for all columns takes far longer to
    make than to run.
    """
    pk = rows.select_for_update().values_list("pk", flat=True).first()
    return None if pk is None else Credential.objects.get(pk=pk)


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
