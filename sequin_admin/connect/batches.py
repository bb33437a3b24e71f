"""Bulk actions: one batch for many credentials, which the worker does piece by piece."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import models, transaction

from sequin_admin.access import endings
from sequin_admin.access.account_log import person_of
from sequin_admin.access.models import Organization, User
from sequin_admin.access.rights import RightLost, refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.connect import links, mails
from sequin_admin.connect.models import Batch, BatchAction, BatchItem, ConnectLink, LinkMail
from sequin_admin.connect.models.links import is_open
from sequin_admin.core import clock, leases, pruning
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.chunks import CHUNK_SIZE
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.limits import models as limits

LEASE = timedelta(minutes=1)
# How many pieces of one batch are done together before it is another's turn, and how many rows of
# one INSERT.
PIECES, ROWS = CHUNK_SIZE, 1000
NO_MAKER = "Whoever started this has no account any more, so the rest was not done."
OUR_MISTAKE = "It failed here, on our side; the server's log has the reason."

log = structlog.get_logger(__name__)


@transaction.atomic
def start(
    organization: Organization,
    credentials: models.QuerySet[Credential],
    action: BatchAction,
    *,
    actor: AnyActor,
    options: dict[str, Any],
    mail: dict[str, Any] | None = None,
    query: str = "",
    pk: UUID | None = None,
) -> Batch:
    """Store what is to be done for these credentials as they are found now, in their order; with
    `mail`, then mail the links as `request_mails()` does.

    `pk` is of the page that asked, so that it starts one batch however often it is sent. Raises
    `IntegrityError` when it was started.
    """
    batch = Batch(
        pk=pk or uuid4(),
        mail=mail,
        mailed_by=person_of(actor) if mail is not None else None,
        organization=organization,
        action=action,
        options=options,
        query=query,
        created_by=person_of(actor),
    )
    batch.save(force_insert=True)
    found = credentials.values_list("pk", flat=True)
    items = [BatchItem(batch=batch, credential_id=pk) for pk in found]
    BatchItem.objects.bulk_create(items, batch_size=ROWS)
    record_change(batch, "batch.started", actor, action_of=action.value, count=len(items))
    return batch


@transaction.atomic
def request_mails(batch: Batch, *, mail: dict[str, Any], actor: AnyActor) -> bool:
    """Have the worker mail the links of the batch that have a contact and were not mailed yet.
    `mail` has `subject`, `text` and `remind_hours`. False when it is under way or withdrawn."""
    row = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if row.withdrawn_at or not row.finished_at or not row.makes_links:
        return False
    row.mail, row.mailed_by = mail, person_of(actor)
    row.finished_at, row.failure = None, ""
    row.save(update_fields=["mail", "mailed_by", "finished_at", "failure"])
    record_change(row, "batch.mails_requested", actor)
    return True


@transaction.atomic
def withdraw(batch: Batch, *, actor: AnyActor) -> bool:
    """Do no more of it, and have the worker revoke its links that are open. False when it was
    withdrawn before."""
    row = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if row.withdrawn_at:
        return False
    row.withdrawn_at, row.withdrawn_by = clock.now(), person_of(actor)
    row.finished_at = None
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "finished_at"])
    record_change(row, "batch.withdrawn", actor)
    return True


def claim_due(limit: int) -> list[Batch]:
    """Claim unfinished batches. Those that had fewer turns come first."""
    rows = endings.without_ending(Batch.objects.filter(finished_at=None), endings.list_ending())
    rows = rows.order_by("lease_fence", "created_at")
    return leases.claim_due(rows, limit, LEASE)


def work_claimed(batch: Batch) -> None:
    """Do the next pieces of a claimed batch."""
    try:
        do_pieces(batch)
    except RightLost as error:
        finish(batch, failure=str(error)[:500])
    leases.release(batch)


@transaction.atomic
def do_pieces(batch: Batch) -> None:
    """Do the next pieces, unless another process has the batch.

    Raises `RightLost`, with nothing done, when whoever wants it may no longer do it.
    """
    row = leases.still_mine(batch).select_for_update(no_key=True).first()
    if row is None or row.finished_at:
        return
    failure = ""
    done = revoke_next(row) if row.withdrawn_at else do_next(row)
    if done < PIECES and row.mail is not None and not row.withdrawn_at:
        done, failure = mail_next(row)
    if done < PIECES or failure:
        finish(row, failure)


def finish(batch: Batch, failure: str = "") -> None:
    leases.still_mine(batch).update(finished_at=clock.now(), failure=failure)


def do_next(batch: Batch) -> int:
    """The action for the next credentials. Returns how many there were."""
    todo = batch.items.filter(done_at=None).select_related("credential__oauth_app")
    items = list(todo.order_by("pk")[:PIECES])
    if items:
        refuse_lost_maker(batch, batch.created_by)
        reasons = do_items(batch, items)
        for item in items:
            item.reason = reasons.get(item.credential_id, "")[:500]
            item.done_at = clock.now()
        BatchItem.objects.bulk_update(items, ["done_at", "reason"])
    return len(items)


def do_items(batch: Batch, items: Sequence[BatchItem]) -> dict[UUID, str]:
    """Returns why credentials were left out. One that fails here is left out alone."""
    try:
        with transaction.atomic():
            return ACTIONS[BatchAction(batch.action)](batch, [item.credential for item in items])
    except RightLost:
        raise
    except Exception:
        if len(items) > 1:
            alone = (do_items(batch, [item]) for item in items)
            return {pk: reason for reasons in alone for pk, reason in reasons.items()}
        log.exception("A piece of a batch failed", batch=str(batch.pk), item=items[0].pk)
        return {items[0].credential_id: OUR_MISTAKE}


def refuse_lost_maker(batch: Batch, person: User | None) -> None:
    """Raises `RightLost` when who wants it is gone or may no longer do it."""
    if person is None:
        raise RightLost(NO_MAKER)
    refuse_lost_right(person, batch.organization)


def create_links(batch: Batch, credentials: Sequence[Credential]) -> dict[UUID, str]:
    lasts = timedelta(days=batch.options["days"])
    _, left_out = links.create_reconnects(
        batch.organization,
        credentials,
        actor=batch.created_by,
        lasts=lasts,
        language=batch.options.get("language", ""),
        batch=batch.pk,
    )
    return {credential.pk: reason for credential, reason in left_out}


def set_limits(batch: Batch, credentials: Sequence[Credential]) -> dict[UUID, str]:
    limits.set_limits(credentials, Rate(**batch.options), actor=batch.created_by)
    return {}


ACTIONS = {BatchAction.RECONNECT: create_links, BatchAction.LIMIT: set_limits}


def mail_next(batch: Batch) -> tuple[int, str]:
    """Mail the next links. Returns how many there were, and why the rest must wait, or ""."""
    found = list(unsent_links(batch).order_by("created_at", "pk")[:PIECES])
    if not found:
        return 0, ""
    refuse_lost_maker(batch, batch.mailed_by)
    room, wanted = mails.left_today(batch.organization), batch.mail or {}
    text = wanted.get("text")
    written = mails.MailText(wanted["subject"], text) if text else None
    try:
        mails.send_links(
            batch.organization,
            found[:room],
            actor=batch.mailed_by,
            written=written,
            remind_hours=wanted.get("remind_hours"),
        )
    except mails.TooManyMails as error:
        # Others have sent some meanwhile.
        return 0, str(error)[:500]
    if room >= len(found):
        return len(found), ""
    waiting = unsent_links(batch).count()
    return room, mails.too_many_message(batch.organization, waiting, 0)[:500]


def unsent_links(batch: Batch) -> models.QuerySet[ConnectLink]:
    """Its open links with a contact that were not mailed yet."""
    rows = open_links(batch).exclude(reconnects__contact_email="").filter(mails=None)
    return rows.select_related("organization", "reconnects")


def count_mails(batch: Batch) -> dict[str, int]:
    """How many of its links were mailed, have no contact, and could be mailed now."""
    made = ConnectLink.objects.of(batch.organization).filter(batch=batch.pk)
    was_mailed = models.Exists(LinkMail.objects.filter(link=models.OuterRef("pk")))
    still_open, has_none = is_open(clock.now()), models.Q(reconnects__contact_email="")
    counted: dict[str, int] = made.annotate(was_mailed=was_mailed).aggregate(
        mailed=models.Count("pk", filter=models.Q(was_mailed=True)),
        without_contact=models.Count("pk", filter=still_open & has_none),
        unsent=models.Count("pk", filter=still_open & ~has_none & models.Q(was_mailed=False)),
    )
    return counted


def revoke_next(batch: Batch) -> int:
    """Revoke the next open links of a withdrawn batch. Returns how many there were."""
    found = list(open_links(batch).order_by("created_at", "pk")[:PIECES])
    if found:
        refuse_lost_maker(batch, batch.withdrawn_by)
        links.revoke_many(batch.organization, found, actor=batch.withdrawn_by)
    return len(found)


def open_links(batch: Batch) -> models.QuerySet[ConnectLink]:
    rows = ConnectLink.objects.of(batch.organization).open(clock.now())
    return rows.filter(batch=batch.pk)


def prune() -> int:
    """Delete finished batches that are old, first their items. Returns how many rows."""
    before = pruning.cutoff("KEEP_BATCHES_DAYS")
    old = Batch.objects.filter(finished_at__isnull=False, created_at__lt=before)
    items = BatchItem.objects.filter(batch__in=old.order_by().values("pk"))
    return pruning.prune(items, by="batch_id") + pruning.prune(old, by="created_at")
