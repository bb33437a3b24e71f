"""Bulk actions: one batch for many credentials, which the worker does piece by piece."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import models, transaction

from sequin_admin.access.models import Organization, User
from sequin_admin.access.rights import RightLost, refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.connect import links
from sequin_admin.connect.models import Batch, BatchAction, BatchItem, ConnectLink
from sequin_admin.core import clock, leases
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import models as limits

LEASE = timedelta(minutes=1)
# How many pieces of one batch before it is another's turn, and how many rows of one INSERT.
PIECES, ROWS = 50, 1000
RETENTION = timedelta(days=90)
NO_MAKER = "Whoever started this has no account any more, so the rest was not done."
OUR_MISTAKE = "It failed here, on our side; the server's log has the reason."

log = structlog.get_logger(__name__)


@transaction.atomic
def start(
    organization: Organization,
    credentials: models.QuerySet[Credential],
    action: BatchAction,
    *,
    actor: User,
    options: dict[str, Any],
    query: str = "",
    pk: UUID | None = None,
) -> Batch:
    """Store what is to be done for these credentials as they are found now, in their order.

    `pk` is of the page that asked, so that it starts one batch however often it is sent. Raises
    `IntegrityError` when it was started.
    """
    batch = Batch(
        pk=pk or uuid4(),
        organization=organization,
        action=action,
        options=options,
        query=query,
        created_by=actor,
    )
    batch.save(force_insert=True)
    found = credentials.values_list("pk", flat=True)
    items = [BatchItem(batch=batch, credential_id=pk) for pk in found]
    BatchItem.objects.bulk_create(items, batch_size=ROWS)
    record_change(batch, "batch.started", actor, action_of=action.value, count=len(items))
    return batch


@transaction.atomic
def withdraw(batch: Batch, *, actor: User) -> bool:
    """Do no more of it, and have the worker revoke its links that are open. False when it was
    withdrawn before."""
    row = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if row.withdrawn_at:
        return False
    row.withdrawn_at, row.withdrawn_by, row.finished_at = clock.now(), actor, None
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "finished_at"])
    record_change(row, "batch.withdrawn", actor)
    return True


def claim_due(limit: int) -> list[Batch]:
    """Claim unfinished batches. Those that had fewer turns come first."""
    rows = Batch.objects.filter(finished_at=None).order_by("lease_fence", "created_at")
    return leases.claim_due(rows, limit, LEASE)


def work_claimed(batch: Batch) -> None:
    """Do the next pieces of a claimed batch."""
    for _ in range(PIECES):
        try:
            if not do_piece(batch):
                break
        except RightLost as error:
            finish(batch, failure=str(error)[:500])
            break
    leases.release(batch)


@transaction.atomic
def do_piece(batch: Batch) -> bool:
    """Do one piece. False when nothing is left, or another process has the batch.

    Raises `RightLost`, with nothing done, when whoever wants it may no longer do it.
    """
    row = leases.still_mine(batch).select_for_update(no_key=True).first()
    if row is None or row.finished_at:
        return False
    piece = revoke_next(row) if row.withdrawn_at else do_next(row)
    if not piece:
        finish(row)
    return piece


def finish(batch: Batch, failure: str = "") -> None:
    leases.still_mine(batch).update(finished_at=clock.now(), failure=failure)


def do_next(batch: Batch) -> bool:
    """The action for the next credential. False when none is left."""
    item = batch.items.filter(done_at=None).order_by("pk").first()
    if item is None:
        return False
    refuse_lost_maker(batch, batch.created_by)
    item.reason = do_item(batch, item)[:500]
    item.done_at = clock.now()
    item.save(update_fields=["done_at", "reason"])
    return True


def do_item(batch: Batch, item: BatchItem) -> str:
    """Returns why it was left out, or ""."""
    try:
        with transaction.atomic():
            ACTIONS[BatchAction(batch.action)](batch, item.credential)
    except links.BadLink as error:
        return str(error)
    except RightLost:
        raise
    except Exception:
        log.exception("A piece of a batch failed", batch=str(batch.pk), item=item.pk)
        return OUR_MISTAKE
    return ""


def refuse_lost_maker(batch: Batch, person: User | None) -> None:
    """Raises `RightLost` when who wants it is gone or may no longer do it."""
    if person is None:
        raise RightLost(NO_MAKER)
    refuse_lost_right(person, batch.organization)


def create_link(batch: Batch, credential: Credential) -> None:
    links.create_reconnect(
        batch.organization,
        credential,
        actor=batch.created_by,
        lasts=timedelta(days=batch.options["days"]),
        batch=batch.pk,
    )


def set_limit(batch: Batch, credential: Credential) -> None:
    limits.set_limit(credential, Rate(**batch.options), actor=batch.created_by)


ACTIONS = {BatchAction.RECONNECT: create_link, BatchAction.LIMIT: set_limit}


def revoke_next(batch: Batch) -> bool:
    """Revoke the next open link of a withdrawn batch. False when none is left."""
    link = open_links(batch).order_by("created_at", "pk").first()
    if link is None:
        return False
    refuse_lost_maker(batch, batch.withdrawn_by)
    return links.revoke(link, actor=batch.withdrawn_by)


def open_links(batch: Batch) -> models.QuerySet[ConnectLink]:
    rows = ConnectLink.objects.of(batch.organization).open(clock.now())
    return rows.filter(batch=batch.pk)


def prune() -> int:
    """Delete batches older than `RETENTION`. Returns how many rows."""
    old = Batch.objects.filter(finished_at__isnull=False)
    return old.filter(created_at__lt=clock.now() - RETENTION).delete()[0]
