"""Removes events that are older than retention says, with their seals.

Only from the beginning of a chain and up to a seal, of which all events are old. A record of it is
sealed first; it is what makes the triggers let them go.
"""

import math
import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models, transaction
from django.db.models import Max, Min, Sum

from sequin_admin.audit import sealing
from sequin_admin.audit.configuration import CONFIGURATION
from sequin_admin.audit.models import Event, record_change
from sequin_admin.audit.sealing import Chains, lock_key
from sequin_admin.audit.seals import REDACTION
from sequin_admin.audit.tables import INSTALLATION, Seal, UnsealedEvent
from sequin_admin.core import clock, pruning


def prune() -> int:
    """Remove what is too old of each chain. Returns how many events."""
    if not CONFIGURATION.keep_months:
        return 0
    before = months_before(clock.now(), CONFIGURATION.keep_months)
    old = Seal.objects.filter(newest_at__lt=before).order_by().values_list("chain", flat=True)
    return sum(prune_chain(chain, before) for chain in sorted(set(old.distinct())))


def months_before(now: datetime, months: int) -> datetime:
    """The same day of an earlier month, at the latest the 28th, so that every month has it."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, 28))


def prune_chain(chain: UUID, before: datetime) -> int:
    """Also what an earlier run that was broken off has left."""
    record_pruning(chain, before)
    return delete_recorded(chain)


def erase_chain(chain: UUID, until: float) -> bool:
    """Remove all events of an organization that is gone, until the monotonic time `until`. False
    when some are left for a next call.

    The record of it, which is the end of the chain, stays: it names nobody.
    """
    events = Event.objects.filter(organization_id=chain)
    if UnsealedEvent.objects.filter(pk__in=events.values("pk")).exists():
        sealing.seal_committed()
        return False
    record_pruning(chain, clock.now() + timedelta(days=1), told=False)
    delete_recorded(chain, until)
    return time.monotonic() < until and not events.exists()


def delete_recorded(chain: UUID, until: float = math.inf) -> int:
    """Delete what the latest record of the chain lets go. Returns how many events."""
    seals = Seal.objects.filter(chain=chain)
    record = seals.filter(floor__gt=0).order_by("-number").first()
    if record is None:
        return 0
    events = Event.objects.filter(organization_id=None if chain == INSTALLATION else chain)
    removed = pruning.prune(events.filter(pk__lt=record.floor), by="pk", until=until)
    pruning.prune(seals.filter(number__lte=record.pruned_to), by="number", until=until)
    return removed


@transaction.atomic
def record_pruning(chain: UUID, before: datetime, *, told: bool = True) -> None:
    """Seal a record of what is to be removed, if there is any, and nobody else seals just now.

    An event in the same log tells of it, unless all of that log goes.
    """
    key = lock_key()
    if key is None:
        return
    seals = Seal.objects.filter(chain=chain)
    done = seals.aggregate(done=Max("pruned_to"))["done"] or 0
    seals = seals.filter(number__gt=done).order_by("number")
    last = find_last(seals, before)
    if last is None:
        return
    covered = seals.filter(number__lte=last.number).aggregate(last=Max("last_id"), n=Sum("events"))
    chains = Chains(key, [chain])
    record = Seal(chain=chain, pruned_to=last.number, anchor=last.mac, floor=covered["last"] + 1)
    record.events = covered["n"]
    chains.add_seal(record)
    chains.save()
    if not told:
        return
    record_change(
        None,
        "audit_log.pruned",
        None,
        organization_id=None if chain == INSTALLATION else chain,
        events=record.events,
        older_than=before.isoformat(),
    )


def find_last(seals: models.QuerySet[Seal], before: datetime) -> Seal | None:
    """The last seal to remove: it and those before it have old events only, and all that come
    later have higher ids."""
    young = seals.filter(newest_at__gte=before).first()
    old = seals.filter(newest_at__lt=before)
    last = (old.filter(number__lt=young.number) if young else old).last()
    while last:
        later = seals.filter(number__gt=last.number, last_id__gt=0).exclude(anchor=REDACTION)
        first_left = later.aggregate(first=Min("first_id"))["first"]
        highest = seals.filter(number__lte=last.number).aggregate(last=Max("last_id"))["last"]
        if first_left is None or highest < first_left:
            return last
        last = old.filter(number__lt=last.number).last()
    return None
