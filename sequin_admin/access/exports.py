"""Large lists as CSV files: asked for on a page, made by the worker, kept for a day."""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import structlog
from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from sequin_admin.access.account_log import person_of
from sequin_admin.access.models import ExportPart, ListExport, Organization, OwnedQuerySet, User
from sequin_admin.access.models.list_exports import KEPT
from sequin_admin.access.policy import Action, still_may
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, leases, pruning, shutdown
from sequin_admin.core.actors import AnyActor

LEASE = timedelta(minutes=2)
# Files of one person that are kept, in one organization.
MOST_FILES = 20
# After so many attempts that failed here it is given up.
TRIES = 3
NO_MEMBER = "Whoever asked for it may no longer look into the organization."
OUR_MISTAKE = "It failed here, on our side; the server's log has the reason."
# Sent for the lines of an export, some hundreds a time: whoever shows the lists knows them.
lines_wanted = Signal()

log = structlog.get_logger(__name__)


class TooManyFiles(Exception):
    """No further file is made for the person now. `str()` is a sentence."""


def record_exported(
    organization: Organization, *, actor: AnyActor, listed: str, query: str, count: int
) -> None:
    """Record an audit event of who has taken which rows away."""
    record_change(organization, "list.exported", actor, list=listed, query=query, rows=count)


@transaction.atomic
def start(
    organization: Organization, *, actor: AnyActor, listed: str, query: str, count: int
) -> ListExport:
    """Have the worker make the file. Asked for again while it is being made, it is the same one.

    Raises `TooManyFiles`.
    """
    person = person_of(actor)
    wanted = {"created_by": person, "listed": listed, "query": query}
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    under_way = ListExport.objects.of(organization).filter(**wanted, finished_at=None).first()
    if under_way:
        return under_way
    if own_files(organization, person).count() >= MOST_FILES:
        raise TooManyFiles(
            f"You have {MOST_FILES} files already, so this one was not made. Each is deleted a day "
            "after you asked for it; then ask again."
        )
    zone = timezone.get_current_timezone_name()
    export = ListExport.objects.create(organization=organization, zone=zone, count=count, **wanted)
    record_exported(organization, actor=actor, listed=listed, query=query, count=count)
    return export


def own_files(organization: Organization, person: User) -> OwnedQuerySet[ListExport]:
    """Those that the person asked for, as long as they are kept."""
    kept = ListExport.objects.of(organization).filter(created_by=person)
    return kept.filter(created_at__gte=clock.now() - KEPT)


def claim_due(limit: int) -> list[ListExport]:
    """Claim files that are to be made. Those that had fewer turns come first."""
    rows = ListExport.objects.filter(finished_at=None).select_related("organization", "created_by")
    return leases.claim_due(rows.order_by("lease_fence", "created_at"), limit, LEASE)


def work_claimed(export: ListExport) -> None:
    """Make the file of a claimed export, unless whoever wants it may no longer see the list."""
    try:
        # Nothing is changed: of an organization that ends, too, people take their lists away.
        is_allowed = still_may(export.created_by, export.organization, Action.VIEW)
        is_whole = is_allowed and write_parts(export)
    except Exception:
        if export.lease_fence < TRIES:
            raise
        log.exception("list_export_failed", export=str(export.pk))
        finish(export, OUR_MISTAKE)
    else:
        if is_whole or not is_allowed:
            finish(export, "" if is_allowed else NO_MEMBER)
    leases.release(export)


def write_parts(export: ListExport) -> bool:
    """False when the process is to end, or another has the export by now."""
    export.parts.all().delete()
    with timezone.override(export.zone):
        for number, text in enumerate(lines_of(export)):
            if shutdown.is_requested() or not write_part(export, number, text):
                return False
    return True


@transaction.atomic
def write_part(export: ListExport, number: int, text: str) -> bool:
    if not leases.extend(leases.still_mine(export), LEASE):
        return False
    owned = {"organization_id": export.organization_id, "export": export}
    ExportPart.objects.create(**owned, number=number, secrets={"text": text})
    return True


def lines_of(export: ListExport) -> Iterator[str]:
    ((_, lines),) = lines_wanted.send(ListExport, export=export)
    return cast(Iterator[str], lines)


def finish(export: ListExport, failure: str = "") -> None:
    leases.still_mine(export).update(finished_at=clock.now(), failure=failure)


def read_parts(export: ListExport) -> Iterator[str]:
    """The text of the file; only one part is in memory at a time."""
    for part in export.parts.order_by("number").iterator(chunk_size=1):
        yield part.secrets["text"]


def prune() -> int:
    """Delete files that are a day old. Returns how many."""
    before = clock.now() - KEPT
    pruning.prune(ExportPart.objects.filter(export__created_at__lt=before), "pk")
    return pruning.prune(ListExport.objects.filter(created_at__lt=before), "created_at")
