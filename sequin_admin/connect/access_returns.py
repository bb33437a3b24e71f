"""Gives access back at the providers, for the credentials of organizations that end.

A provider that is away is asked again for a bounded time, so that it never keeps an organization
from being erased.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import models, transaction

from sequin_admin.connect.models import AccessReturn
from sequin_admin.connect.models.access_returns import CODE_CHARS
from sequin_admin.core import leases, pruning
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.jitter import jittered
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.tokens import renewal

# Longer than the calls of one revocation.
LEASE = timedelta(minutes=2)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
LISTED = 500
# A provider that was still away when the time was over, and a credential that was never asked for.
NEVER_ASKED = "not_tried"


def revocable_kinds() -> list[str]:
    return [kind.slug for kind in kinds.all() if kind.revoke is not Credential.revoke]


def list_returns(organization_id: UUID) -> bool:
    """Write a row for each credential whose access can be given back. Whether all have one.

    In short transactions, of which each goes on where those before have ended.
    """
    wanted = Credential.objects.filter(organization=organization_id, kind__in=revocable_kinds())
    rest = wanted.filter(access_return=None).order_by("pk")
    pks = list(rest.values_list("pk", flat=True)[:LISTED])
    with pruning.leaving_room():
        AccessReturn.objects.bulk_create(
            [AccessReturn(credential_id=pk, organization_id=organization_id) for pk in pks],
            ignore_conflicts=True,
        )
    return len(pks) < LISTED


def claim_due(room: int) -> Sequence[AccessReturn]:
    """Claim up to `room` credentials to give back."""
    due = AccessReturn.objects.filter(due_at__lte=DatabaseTime()).order_by("due_at")
    return leases.claim_due(due, room, LEASE)


def return_claimed(row: AccessReturn) -> None:
    """Revoke the access of one credential. What is not for now is tried again later."""
    rows = Credential.objects.select_related("oauth_app", "organization")
    credential = rows.filter(pk=row.pk).first()
    if credential is None:
        return
    code, again = revoke(credential)
    waits = min(FIRST_WAIT * 2 ** min(row.tries, 10), LONGEST_WAIT)
    due_at = DatabaseTime(jittered(waits), stored=True) if again else None
    leases.release(row, tries=row.tries + 1, code=code[:CODE_CHARS], due_at=due_at)


def revoke(credential: Credential) -> tuple[str, bool]:
    """The code of what failed, empty when it was revoked, and whether to ask again later."""
    try:
        credential.revoke(renewal.get_valid_token(credential))
    except FAILURES as error:
        outcome = credential.classify_failure(error)
        return outcome.code or "failed", outcome.verdict == Verdict.TRANSIENT
    except KeyError:
        # It was never connected, so there is nothing to give back.
        return "not_connected", False
    return "", False


def is_under_way(organization_id: UUID) -> bool:
    rows = AccessReturn.objects.filter(organization=organization_id)
    return rows.filter(due_at__isnull=False).exists()


def give_up(organization_id: UUID) -> None:
    """Ask nobody any more; what was never asked for says so. In short transactions."""
    rows = AccessReturn.objects.filter(organization=organization_id, due_at__isnull=False)
    while pks := list(rows.values_list("pk", flat=True)[:LISTED]):
        with pruning.leaving_room(), transaction.atomic():
            rows.filter(pk__in=pks, tries=0).update(code=NEVER_ASKED)
            rows.filter(pk__in=pks).update(due_at=None)


def sum_up(organization_id: UUID) -> dict[str, dict[str, int]]:
    """By kind how many were given back, and how many were not, by code."""
    rows = AccessReturn.objects.filter(organization=organization_id).order_by()
    counts = rows.values_list("credential__kind", "code").annotate(models.Count("pk"))
    summed: dict[str, dict[str, int]] = {}
    for kind, code, count in sorted(counts):
        summed.setdefault(kind, {})[code or "given_back"] = count
    return summed
