"""Seals what is committed: a job of the worker, of which one works at a time.

A trigger has listed each event as unsealed in its own transaction, so writing one waits for
nobody, and what is committed late is found whatever its id.
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sequin_admin.audit.models import Event
from sequin_admin.audit.seals import (
    AT,
    COLUMNS,
    digest_event,
    make_mac,
    newest_key,
    secret_of,
    write_entries,
)
from sequin_admin.audit.tables import INSTALLATION, ChainHead, Seal, SealKey, UnsealedEvent
from sequin_admin.core import clock, shutdown

# Events of one transaction, and of one seal.
ROUND, LARGEST = 5_000, 1_000
LONGEST_S = 5.0
# An event that waits for longer is a fault.
LATE_AFTER = timedelta(seconds=60)
# Stands for the digest of an event that was deleted before it was sealed.
GONE = "gone"

Columns = Sequence[Any]
# The id of an event, and its columns unless it is gone.
Waiting = tuple[int, Columns | None]


def seal_committed() -> int:
    """Seal what waits, for a few seconds at most. Returns how many events.

    Raises `DecryptionError` when no key opens the key of the seals.
    """
    until, sealed = time.monotonic() + LONGEST_S, 0
    while UnsealedEvent.objects.exists() and not shutdown.is_requested():
        count = seal_round()
        sealed += count
        if not count or time.monotonic() > until:
            break
    return sealed


@transaction.atomic
def seal_round() -> int:
    """Seal the first events that wait. 0 while another process does."""
    key = lock_key()
    if key is None:
        return 0
    waiting = list(UnsealedEvent.objects.order_by("pk").values_list("pk", flat=True)[:ROUND])
    rows = {row[0]: row for row in Event.objects.filter(pk__in=waiting).values_list(*COLUMNS)}
    grouped = group_by_chain(waiting, rows)
    chains = Chains(key, grouped)
    for chain, events in grouped.items():
        for start in range(0, len(events), LARGEST):
            chains.add_seal(seal_of(chain, events[start : start + LARGEST], chains.secret))
    chains.save()
    UnsealedEvent.objects.filter(pk__in=waiting).delete()
    return len(waiting)


def lock_key() -> SealKey | None:
    """The newest key, locked: who holds it is the one that adds to the chains. On SQLite a
    transaction has the whole database."""
    newest = newest_key()
    return SealKey.objects.select_for_update(skip_locked=True).filter(pk=newest.pk).first()


def group_by_chain(
    waiting: Sequence[int], rows: dict[int, Columns]
) -> dict[uuid.UUID, list[Waiting]]:
    """The events of each chain, by id. Those that are gone are the installation's."""
    chains: dict[uuid.UUID, list[Waiting]] = {}
    for pk in waiting:
        row = rows.get(pk)
        chain = row[1] if row and row[1] else INSTALLATION
        chains.setdefault(chain, []).append((pk, row))
    return chains


def seal_of(chain: uuid.UUID, events: Sequence[Waiting], secret: bytes) -> Seal:
    """A seal over the events that has no number yet."""
    digests = {pk: digest_event(secret, row) if row else GONE for pk, row in events}
    times: list[datetime] = [row[AT] for _, row in events if row]
    return Seal(
        chain=chain,
        first_id=events[0][0],
        last_id=events[-1][0],
        events=len(events),
        entries=write_entries(digests),
        newest_at=max(times, default=None),
    )


class Chains:
    """The ends of the chains that one transaction, which has locked the key, adds seals to."""

    def __init__(self, key: SealKey, chains: Iterable[uuid.UUID]) -> None:
        self.key, self.secret = key, secret_of(key)
        self.heads = {row.chain: row for row in ChainHead.objects.filter(chain__in=chains)}
        self.seals: list[Seal] = []

    def add_seal(self, seal: Seal) -> None:
        """Give it the next number, and its MAC."""
        head = self.heads.get(seal.chain) or ChainHead(chain=seal.chain, number=0, mac="")
        self.heads[seal.chain] = head
        seal.number, seal.key_id, seal.sealed_at = head.number + 1, self.key.pk, clock.now()
        seal.mac = make_mac(self.secret, seal, head.mac)
        head.number, head.mac = seal.number, seal.mac
        self.seals.append(seal)

    def save(self) -> None:
        """A number that another process has used meanwhile raises `IntegrityError`."""
        Seal.objects.bulk_create(self.seals)
        ChainHead.objects.bulk_create(
            self.heads.values(),
            update_conflicts=True,
            unique_fields=["chain"],
            update_fields=["number", "mac"],
        )


def oldest_unsealed() -> datetime | None:
    """Since when the event waits that has waited for longest."""
    times = UnsealedEvent.objects.order_by("written_at").values_list("written_at", flat=True)
    return times.first()
