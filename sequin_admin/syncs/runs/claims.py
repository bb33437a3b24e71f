"""Claims a run: takes the lease of the pair that is longest due."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from sequin_admin.access.models import ApiKey
from sequin_admin.core import clock, leases
from sequin_admin.syncs.models import Collection, CollectionState, Run, RunSlot, Sync
from sequin_admin.syncs.runs import lost_runs
from sequin_admin.syncs.runs.slots import due_slots, make_slots

# Of the claims that find a run: how many look for pairs without a slot before.
LOOK_SHARE = 0.1


@dataclass(frozen=True)
class RunFilter:
    """Which pairs a worker takes; empty means all."""

    sync_ids: Sequence[UUID] = ()
    consumer_ids: Sequence[UUID] = ()
    providers: Sequence[str] = ()

    def narrow(self, slots: "QuerySet[RunSlot]") -> "QuerySet[RunSlot]":
        named = {
            "sync__in": self.sync_ids,
            "consumer__in": self.consumer_ids,
            "sync__provider__in": self.providers,
        }
        return slots.filter(**{name: ids for name, ids in named.items() if ids})


@dataclass(frozen=True)
class NamedCollection:
    """A collection of a run, with what is stored of its progress."""

    state: CollectionState
    name: str


@dataclass(frozen=True)
class ClaimedRun:
    """A run whose lease was taken, and what it is to read."""

    run: Run
    collections: Sequence[NamedCollection] = field(default_factory=tuple)


def claim_or_make(key: ApiKey, wanted: RunFilter, length: timedelta) -> ClaimedRun | None:
    """As `claim()`, of all pairs. One that has no slot yet gets it when no other is due, and now
    and then while others are, behind which it is due: to look for such pairs reads all syncs."""
    looks = random.random() < LOOK_SHARE  # noqa: S311 - guards nothing
    if looks:
        make_slots(key.organization)
    claimed = claim(key, wanted, length)
    if claimed is None and not looks and make_slots(key.organization):
        return claim(key, wanted, length)
    return claimed


@transaction.atomic
def claim(key: ApiKey, wanted: RunFilter, length: timedelta) -> ClaimedRun | None:
    """Begin a run of the pair that is longest due, for a lease of `length`. None when none is.

    Of pairs that have a slot: see `claim_or_make()`.
    """
    due = wanted.narrow(due_slots(key.organization))
    slots = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
    slots = slots.select_related("sync__credential", "consumer")
    slots = slots.defer("sync__credential__secrets")
    slot = slots.first()
    while slot and lost_runs.end_run_of(slot):
        leases.revoke(slot)
        slot = slots.first()
    if slot is None:
        return None
    started = clock.now()
    leases.take_locked([slot], length, last_started_at=started)
    states = states_of(slot, slot.sync)
    run = Run.objects.create(
        organization_id=slot.organization_id,
        sync=slot.sync,
        consumer=slot.consumer,
        target_id=slot.consumer.target_id,
        slot=slot,
        api_key=key,
        fence=slot.lease_fence,
        started_at=started,
        last_progress_at=started,
        lease_s=round(length.total_seconds()),
        held_until=slot.lease_until,
        collections=[new_progress(state) for state in states],
    )
    return ClaimedRun(run, named(slot.sync, states))


def states_of(slot: RunSlot, sync: Sync) -> list[CollectionState]:
    """The state of each of the sync's collections, in their order."""
    ids = list(dict.fromkeys(sync.collection_ids)) or all_collection_ids(sync)
    known = {row.collection_id: row for row in slot.collections.filter(collection_id__in=ids)}
    missing = [CollectionState(slot=slot, collection_id=each) for each in ids if each not in known]
    CollectionState.objects.bulk_create(missing)
    known |= {row.collection_id: row for row in missing}
    return [known[each] for each in ids]


def all_collection_ids(sync: Sync) -> list[str]:
    """Of a sync that names none: what its credential's account has."""
    stored = Collection.objects.filter(credential=sync.credential_id).order_by("name", "id")
    found = list(stored.values_list("collection_id", flat=True))
    provider, catalogue = sync.credential.provider, sync.credential.catalogue
    return found or [f"{provider}:{schema.upstream_id}" for schema in catalogue]


def named(sync: Sync, states: Iterable[CollectionState]) -> list[NamedCollection]:
    """With the names of the collections as they were read last, or as the provider's are known."""
    states = list(states)
    provider, catalogue = sync.credential.provider, sync.credential.catalogue
    names = {f"{provider}:{schema.upstream_id}": schema.name for schema in catalogue}
    ids = [state.collection_id for state in states]
    stored = Collection.objects.filter(credential=sync.credential_id, collection_id__in=ids)
    names |= dict(stored.values_list("collection_id", "name"))
    return [
        NamedCollection(state, names.get(state.collection_id, short_id(state.collection_id)))
        for state in states
    ]


def short_id(collection_id: str) -> str:
    return collection_id.partition(":")[2]


def new_progress(state: CollectionState) -> dict[str, object]:
    """What a run shows of a collection before it has read any of it."""
    return {
        "collection_id": state.collection_id,
        "generation": state.generation,
        "rows_read": 0,
        "rows_written": 0,
        "rows_deleted": 0,
        "lag_s": None,
        "deletes": state.deletes,
        "full_pass": False,
        "completed_at": None,
    }


def held_run(key: ApiKey, credential_id: UUID) -> Run | None:
    """A run of this credential that the key holds now."""
    rows = Run.objects.filter(organization=key.organization_id, sync__credential=credential_id)
    held = live_runs(rows).filter(api_key=key.pk).order_by("-started_at")
    return held.defer("log", "collections", "requests").first()


def live_runs(rows: "QuerySet[Run]") -> "QuerySet[Run]":
    """Those whose lease has not expired."""
    held = {"slot__lease_fence": F("fence"), "slot__lease_until__gt": clock.DatabaseTime()}
    return rows.filter(status="running", **held)
