"""What people do about a cause: take and release it, mute and unmute it, write notes."""

from datetime import datetime, timedelta

from django.db import transaction

from sequin_admin.access.models import Membership, User
from sequin_admin.access.rights import refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.words import format_local_time
from sequin_admin.health.models import Cause, CauseNote
from sequin_admin.notifications import outbox

MUTE_AT_MOST = timedelta(days=90)
NOTES = 200
MUTED = "It was muted before it could be sent."


class CauseRefused(Exception):
    """It can't be done to this cause. `str()` is a sentence, `field` what it is about."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@transaction.atomic
def take(cause: Cause, owner: User, *, actor: AnyActor) -> Cause:
    """Make a member its owner: "I am on it". Raises `CauseRefused` for anybody else."""
    row = lock_cause(cause, actor)
    refuse_over(row, "taken")
    members = Membership.objects.filter(organization=row.organization_id, user=owner)
    if not members.exists() or not owner.is_active:
        raise CauseRefused("Only a member of the organization can take a cause.")
    if row.owner_id != owner.pk:
        row.owner, row.owned_at = owner, clock.now()
        row.save(update_fields=["owner", "owned_at"])
        record_change(row, "cause.taken", actor, owner=str(owner))
    return row


@transaction.atomic
def release(cause: Cause, *, actor: AnyActor) -> Cause:
    row = lock_cause(cause, actor)
    if row.owner_id:
        former, row.owner, row.owned_at = row.owner, None, None
        row.save(update_fields=["owner", "owned_at"])
        record_change(row, "cause.released", actor, owner=str(former))
    return row


@transaction.atomic
def mute(cause: Cause, *, until: datetime | None, actor: AnyActor) -> Cause:
    """Notify nobody of it until it ends, or until a time. Raises `CauseRefused`."""
    row, now = lock_cause(cause, actor), clock.now()
    refuse_over(row, "muted")
    if until and not now < until <= now + MUTE_AT_MOST:
        latest = format_local_time(now + MUTE_AT_MOST)
        raise CauseRefused(f"Choose a time from now until {latest}.", "until")
    row.muted_at, row.muted_until, row.muted_by = now, until, str(actor or "")[:200]
    row.save(update_fields=["muted_at", "muted_until", "muted_by", *withdraw_messages(row)])
    record_change(row, "cause.muted", actor, until=until and until.isoformat())
    return row


@transaction.atomic
def unmute(cause: Cause, *, actor: AnyActor) -> Cause:
    row = lock_cause(cause, actor)
    if row.muted_at:
        row.muted_at, row.muted_until, row.muted_by = None, None, ""
        row.save(update_fields=["muted_at", "muted_until", "muted_by"])
        record_change(row, "cause.unmuted", actor)
    return row


@transaction.atomic
def add_note(cause: Cause, text: str, *, actor: AnyActor) -> CauseNote:
    """Raises `CauseRefused` when it has too many."""
    row = lock_cause(cause, actor)
    if row.notes.count() >= NOTES:
        raise CauseRefused(f"It has {NOTES} notes, which is as many as one can have.", "text")
    note = CauseNote.objects.create(cause=row, author=str(actor or "")[:200], text=text)
    record_change(row, "cause.noted", actor)
    return note


def withdraw_messages(cause: Cause) -> tuple[str, ...]:
    """Take back what was posted of it and waits, as in quiet hours; what nobody got is due again
    when it is muted no longer. Returns the names of the columns that it sets."""
    unsent = outbox.withdraw(cause.deliveries, MUTED)
    if "cause.opened" in unsent:
        cause.told_at = None
    if "cause.grew" in unsent:
        cause.grown_told_at = None
    return ("told_at", "grown_told_at")


def release_all_of(membership: Membership) -> None:
    """Release what a person who is no longer a member was on."""
    rows = Cause.objects.filter(
        organization=membership.organization_id, owner=membership.user_id, resolved_at=None
    )
    for cause in rows:
        release(cause, actor=None)


def lock_cause(cause: Cause, actor: AnyActor) -> Cause:
    """Lock and read it again; then ask whether the actor still has the right."""
    rows = Cause.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("organization", "owner").get(pk=cause.pk)
    refuse_lost_right(actor, row.organization)
    return row


def refuse_over(cause: Cause, verb: str) -> None:
    """Raises `CauseRefused`."""
    if not cause.is_open:
        raise CauseRefused(f"It is over, so it can't be {verb}.")
