"""Does the end of an organization, step by step: each turn a few seconds, and the next goes on.

Access is given back, all rows are erased, at last its audit log. One event in the installation's
log is what is left.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import IntegrityError, transaction

from sequin_admin.access import configuration, endings
from sequin_admin.access.models import EndingStep, Membership, Organization, OrganizationEnding
from sequin_admin.audit import repeats, retention
from sequin_admin.audit.models import record_change
from sequin_admin.connect import access_returns
from sequin_admin.core import clock, leases, owned_rows
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.concrete import noun
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import limiter
from sequin_admin.syncs.models import Sync

LEASE = timedelta(minutes=10)
LONGEST_S = 10.0
# Until what was under way when the last row went has written its events.
CLOSING_AFTER = timedelta(minutes=1)
SOON = timedelta(seconds=5)
MAILED_AGAIN_AFTER = timedelta(minutes=10)
# Columns to write, and when the next turn is.
Turn = tuple[Mapping[str, object], timedelta]


def claim_due(limit: int) -> Sequence[OrganizationEnding]:
    due = OrganizationEnding.objects.filter(due_at__lte=DatabaseTime()).order_by("due_at")
    return leases.claim_due(due, limit, LEASE)


def end_claimed(ending: OrganizationEnding) -> None:
    """One turn of the step that it is at.

    Raises `endings.EndRefused`, for the page Worker, when its owners could not be reminded.
    """
    try:
        turn = STEPS[EndingStep(ending.step)](ending)
    except endings.EndRefused:
        leases.release(ending, due_at=DatabaseTime(MAILED_AGAIN_AFTER, stored=True))
        raise
    if turn:
        written, wait = turn
        leases.release(ending, **written, due_at=DatabaseTime(wait, stored=True))


def begin(ending: OrganizationEnding) -> Turn:
    endings.remind(ending)
    left = ending.ends_at - clock.now()
    if left > timedelta():
        return {}, left
    if not endings.begin(ending):
        return {}, SOON
    organization = Organization.objects.get(pk=ending.pk)
    counts = owned_rows.count_owned(organization)
    reach = {noun(model, count): count for model, count in counts.items()}
    return {"reach": reach}, timedelta()


def give_back(ending: OrganizationEnding) -> Turn:
    """Wait for the job that gives access back, for a bounded time."""
    until = time.monotonic() + LONGEST_S
    while not access_returns.list_returns(ending.pk):
        if time.monotonic() > until:
            return {}, timedelta()
    began_at = ending.began_at or clock.now()
    if access_returns.is_under_way(ending.pk):
        if clock.now() < began_at + configuration.CONFIGURATION.tries_for:
            return {}, SOON
        access_returns.give_up(ending.pk)
    forget_permits(ending)
    returned = access_returns.sum_up(ending.pk)
    return {"returned": returned, "step": EndingStep.ERASING}, timedelta()


def erase(ending: OrganizationEnding) -> Turn:
    organization = Organization.objects.filter(pk=ending.pk).first()
    if organization:
        forget_sessions(organization)
        try:
            if not owned_rows.delete_owned(organization, time.monotonic() + LONGEST_S):
                return {}, timedelta()
            organization.delete()
        except IntegrityError:
            # A row was added meanwhile.
            return {}, SOON
    repeats.forget(ending.pk)
    return {"step": EndingStep.CLOSING}, CLOSING_AFTER


def forget_permits(ending: OrganizationEnding) -> None:
    """In Redis, if it has any still; the database's are rows like all others. None is granted any
    more, so once is enough."""
    if not settings.REDIS_URL:
        return
    credentials = Credential.objects.filter(organization=ending.pk)
    syncs = Sync.objects.filter(organization=ending.pk)
    scopes = [(pk, "") for pk in credentials.values_list("pk", flat=True)]
    scopes += [(pk, str(sync)) for pk, sync in syncs.values_list("credential", "pk")]
    limiter.forget(scopes)


def forget_sessions(organization: Organization) -> None:
    """Sign out who is a member of no other organization: their sessions name this one."""
    members = Membership.objects.filter(organization=organization)
    elsewhere = Membership.objects.exclude(organization=organization)
    alone = members.exclude(user__in=elsewhere.values("user"))
    for session in UserSession.objects.filter(user__in=alone.values("user")):
        session.end()


def close(ending: OrganizationEnding) -> Turn | None:
    """Erase its log, then write the one record of it."""
    repeats.forget(ending.pk)
    if not retention.erase_chain(ending.pk, time.monotonic() + LONGEST_S):
        return {}, SOON
    with transaction.atomic():
        mine = leases.still_mine(ending).select_for_update().first()
        if mine is None:
            return None
        record_change(
            None,
            "organization.erased",
            None,
            organization=str(mine.pk),
            asked_by=mine.asked_by,
            asked_at=mine.asked_at.isoformat(),
            began_at=mine.began_at.isoformat() if mine.began_at else "",
            erased=mine.reach,
            access=mine.returned,
            reminders=mine.reminders or {},
        )
        mine.delete()
    return None


STEPS: dict[EndingStep, Callable[[OrganizationEnding], Turn | None]] = {
    EndingStep.WAITING: begin,
    EndingStep.RETURNING: give_back,
    EndingStep.ERASING: erase,
    EndingStep.CLOSING: close,
}
