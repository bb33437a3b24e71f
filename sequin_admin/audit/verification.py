"""Verifies the log: that each event is as it was sealed, and that none is missing or added.

Reads while others write: what was sealed at the start is compared, and what came later is known by
its seals and by the table of the unsealed events.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.db import connection, models

from sequin_admin.audit import triggers
from sequin_admin.audit.models import Event
from sequin_admin.audit.sealing import GONE
from sequin_admin.audit.seals import (
    COLUMNS,
    REDACTION,
    digest_event,
    make_mac,
    read_entries,
    secret_of,
)
from sequin_admin.audit.tables import INSTALLATION, ChainHead, Seal, SealKey, UnsealedEvent
from sequin_admin.core.fields import DecryptionError

PAGE = 200


@dataclass(frozen=True)
class ExportedHead:
    """The end of a chain as it was exported."""

    chain: uuid.UUID
    number: int
    mac: str


@dataclass
class Verification:
    """What was found in all chains. `on_progress` gets the number of verified events."""

    on_progress: Callable[[int], object] = lambda count: None
    seals: int = 0
    events: int = 0
    waiting: int = 0
    broken: list[str] = field(default_factory=list)
    secrets: dict[int, bytes] = field(default_factory=dict, repr=False)

    def run(self, exported: list[ExportedHead]) -> None:
        self.broken += [
            f"The trigger {name} is missing or off, so the log can be changed. Run manage.py "
            "migrate audit 0003, then manage.py migrate."
            for name in triggers.missing(connection)
        ]
        self.load_keys()
        for chain in list_chains(exported):
            ends = [head for head in exported if head.chain == chain]
            ChainVerification(self, chain).run(ends)
        self.waiting = UnsealedEvent.objects.count()

    def load_keys(self) -> None:
        for key in SealKey.objects.order_by("pk"):
            try:
                self.secrets[key.pk] = secret_of(key)
            except DecryptionError as error:
                self.broken.append(str(error))


def list_chains(exported: list[ExportedHead]) -> list[uuid.UUID]:
    """All chains: those with seals, with an end, with events, and those that were exported."""
    sealed = Seal.objects.order_by().values_list("chain", flat=True).distinct()
    heads = ChainHead.objects.values_list("chain", flat=True)
    events = Event.objects.order_by().values_list("organization_id", flat=True).distinct()
    found = {*sealed, *heads, *(chain or INSTALLATION for chain in events)}
    return sorted(found | {head.chain for head in exported})


class ChainVerification:
    """Walks the seals of one chain, and its events beside them in the order of their ids."""

    def __init__(self, whole: Verification, chain: uuid.UUID) -> None:
        self.whole, self.chain = whole, chain
        self.name = "the installation" if chain == INSTALLATION else f"organization {chain}"
        owner = None if chain == INSTALLATION else chain
        self.rows = Event.objects.filter(organization_id=owner).order_by("pk")
        self.all_seals = Seal.objects.filter(chain=chain).order_by("number")
        self.pruned = self.last_pruning()
        # Digests under each key of events that were read, but not met in a seal yet.
        self.unmatched: dict[int, tuple[object, ...]] = {}
        self.read_to = 0
        self.redacted = self.read_redactions()

    def read_redactions(self) -> dict[int, list[tuple[int, str]]]:
        """By event the digests that it may have since a person was erased, each with its key."""
        found: dict[int, list[tuple[int, str]]] = {}
        for seal in self.all_seals.filter(anchor=REDACTION):
            try:
                for pk, digest in read_entries(seal.entries).items():
                    found.setdefault(pk, []).append((seal.key_id, digest))
            except ValueError:
                self.report(f"seal {seal.number} can't be read.")
        return found

    def last_pruning(self) -> Seal:
        """The record of what retention has removed; one that says nothing when there is none."""
        records = self.all_seals.filter(floor__gt=0)
        return records.last() or Seal(chain=self.chain)

    def run(self, exported: list[ExportedHead]) -> None:
        heads = ChainHead.objects.filter(chain=self.chain)
        head = heads.first()
        newest = self.all_seals.last()
        last = self.verify_seals(newest.number if newest else 0, {e.number: e for e in exported})
        if head and last < head.number:
            self.report(f"the end was cut off: seal {last} is the last, and {head.number} was.")
        if last and not heads.filter(number__gte=last).exists():
            self.report(f"the record of its end, seal {last}, is gone or of before.")
        self.check_ends(exported, last)
        self.check_unmatched(last)

    def report(self, sentence: str) -> None:
        self.whole.broken.append(f"In the log of {self.name} {sentence}")

    def verify_seals(self, until: int, ends: dict[int, ExportedHead]) -> int:
        """Verify the seals up to that number, each with its events. Returns the last number."""
        previous, number = self.pruned.anchor, self.pruned.pruned_to
        for seal in self.iterate_seals(number, until):
            if seal.number != number + 1:
                self.report(f"seals {number + 1} to {seal.number - 1} are missing.")
            self.verify_mac(seal, previous)
            if seal.anchor != REDACTION:
                self.verify_events(seal)
            if (end := ends.get(seal.number)) and end.mac != seal.mac:
                self.report(f"seal {seal.number} is another one than was exported.")
            previous, number = seal.mac, seal.number
            self.whole.seals += 1
            self.whole.events += seal.events if not seal.floor else 0
            self.whole.on_progress(self.whole.events)
        return number

    def iterate_seals(self, after: int, until: int) -> Iterator[Seal]:
        """In pages: an open cursor would keep SQLite's log from being cut for as long."""
        while page := list(self.all_seals.filter(number__gt=after)[:PAGE]):
            for seal in page:
                if seal.number > until:
                    return
                yield seal
            after = page[-1].number

    def verify_mac(self, seal: Seal, previous: str) -> None:
        secret = self.whole.secrets.get(seal.key_id)
        if secret is None:
            self.report(f"seal {seal.number} is under key {seal.key_id}, which is missing.")
        elif make_mac(secret, seal, previous) != seal.mac:
            self.report(f"seal {seal.number} of {seal.sealed_at:%Y-%m-%d %H:%M} UTC was changed.")

    def verify_events(self, seal: Seal) -> None:
        secret = self.whole.secrets.get(seal.key_id)
        try:
            entries = read_entries(seal.entries)
        except ValueError:
            self.report(f"seal {seal.number} can't be read.")
            return
        self.read_events(seal.last_id)
        for pk, digest in entries.items():
            row = self.unmatched.pop(pk, None)
            if row is None or digest == GONE:
                self.report_missing(pk)
            elif secret and digest_event(secret, row) != digest and not self.is_redacted(pk, row):
                self.report(f"event {pk} was changed after it was sealed.")

    def is_redacted(self, pk: int, row: tuple[object, ...]) -> bool:
        """Whether it is as a redaction has recorded it."""
        known = ((self.whole.secrets.get(key), digest) for key, digest in self.redacted.get(pk, ()))
        return any(secret and digest_event(secret, row) == digest for secret, digest in known)

    def read_events(self, until: int) -> None:
        if until > self.read_to:
            rows = self.rows.filter(pk__gt=self.read_to, pk__lte=until).values_list(*COLUMNS)
            self.unmatched |= {row[0]: row for row in rows}
            self.read_to = until

    def report_missing(self, pk: int) -> None:
        """Unless retention has removed it while this ran."""
        if pk >= self.last_pruning().floor:
            self.report(f"event {pk} was deleted.")

    def check_ends(self, exported: list[ExportedHead], last: int) -> None:
        for end in exported:
            if end.number > last:
                self.report(f"the end was cut off: seal {end.number} was exported, {last} is last.")
            elif end.number == self.pruned.pruned_to and end.mac != self.pruned.anchor:
                self.report(f"seal {end.number} was another one than was exported.")

    def check_unmatched(self, last: int) -> None:
        """Whether each event without a seal waits for one, or was sealed meanwhile."""
        rest = self.rows.filter(pk__gt=self.read_to).values_list("pk", flat=True)
        pks = {*self.unmatched, *rest}
        waiting = UnsealedEvent.objects.values_list("pk", flat=True)
        pks -= set(waiting)
        # Retention removes events before it removes their seals.
        others = models.Q(number__gt=last) | models.Q(number__lte=self.pruned.pruned_to)
        for seal in self.all_seals.filter(others) if pks else ():
            pks -= set(read_entries(seal.entries))
        for pk in sorted(pks & set(self.rows.filter(pk__in=pks).values_list("pk", flat=True))):
            self.report(f"event {pk} is in no seal: it was put in past the product.")


def heads_of(rows: models.QuerySet[ChainHead]) -> list[dict[str, object]]:
    """The ends of the chains as they are exported."""
    return [
        {"type": "head", "chain": str(row.chain), "number": row.number, "mac": row.mac}
        for row in rows.order_by("chain")
    ]
