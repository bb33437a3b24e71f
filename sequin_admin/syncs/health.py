"""Propagation of statuses: from targets to consumers, and from these and credentials to syncs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from sequin_admin.core.monitored import Monitored
from sequin_admin.credentials.models import Credential
from sequin_admin.health.rollup import batches, locked_in_order, propagate, recompute_status
from sequin_admin.health.signals import status_changed
from sequin_admin.syncs.models import Consumer, Sync, Target


def connect_signals() -> None:
    for model, receiver in ((Target, propagate_to_consumers), (Consumer, propagate_to_syncs)):
        status_changed.connect(receiver, sender=model)
    # Each kind of credential is a different sender.
    status_changed.connect(propagate_from_credentials)


def recompute_and_propagate(rows: Sequence[Monitored]) -> None:
    """Recompute rows of one model after a change of their dependencies, and propagate it."""
    with transaction.atomic():
        changed = recompute_status(rows)
    propagate(changed)


def propagate_from_credentials(
    sender: type, subjects: Sequence[Credential], **signal: object
) -> Counter[UUID] | None:
    """Recompute the syncs of these credentials. Returns their number by credential id."""
    if not issubclass(sender, Credential):
        return None
    syncs = Sync.objects.filter(credential__in=subjects, disabled_at=None)
    return Counter(sync.credential_id for sync in recompute_syncs(syncs))


def propagate_to_consumers(
    sender: type, subjects: Sequence[Target], **signal: object
) -> Counter[UUID]:
    consumers = Consumer.objects.filter(target__in=subjects, disabled_at=None)
    with transaction.atomic():
        locked = list(locked_in_order(consumers.select_related("target").defer("target__secrets")))
        changed = recompute_status(locked)
    status_changed.send(sender=Consumer, subjects=changed)
    affected = Counter[UUID]()
    for consumer, syncs in syncs_of(locked).items():
        affected[consumer.target_id] += len(syncs)
    return affected


def propagate_to_syncs(
    sender: type, subjects: Sequence[Consumer], **signal: object
) -> Counter[UUID]:
    known = syncs_of(subjects)
    recompute_syncs(Sync.objects.filter(pk__in={pk for syncs in known.values() for pk in syncs}))
    return Counter({consumer.pk: len(syncs) for consumer, syncs in known.items()})


def syncs_of(consumers: Iterable[Consumer]) -> Mapping[Consumer, set[UUID]]:
    """The ids of the syncs that each consumer writes."""
    return {
        consumer: set(consumer.selected_syncs().values_list("pk", flat=True))
        for consumer in consumers
    }


def recompute_syncs(syncs: QuerySet[Sync]) -> list[Sync]:
    """Recompute the enabled ones of these syncs, in batches. Returns all of them."""
    seen = []
    for ids in batches(syncs.filter(disabled_at=None)):
        with transaction.atomic():
            rows = Sync.objects.filter(pk__in=ids).with_credential()
            batch = prefetch_consumers(list(locked_in_order(rows)))
            recompute_status(batch)
        seen += batch
    return seen


def keep_consumers(sync: Sync) -> list[Consumer]:
    """Its consumers, by one query for a page that asks for them again and again."""
    if sync.prefetched_consumers is None:
        sync.prefetched_consumers = list(sync.consumers_with_target())
    return sync.prefetched_consumers


def prefetch_consumers(syncs: list[Sync]) -> list[Sync]:
    """Set `prefetched_consumers` of each sync, with two queries for all of them."""
    by_sync = defaultdict[UUID, list[Consumer]](list)
    to_all = defaultdict[UUID, list[Consumer]](list)
    organizations = {sync.organization_id for sync in syncs}
    active = Consumer.objects.filter(organization__in=organizations, disabled_at=None)
    for consumer in active.filter(all_syncs=True):
        to_all[consumer.organization_id].append(consumer)
    links = Consumer.syncs.through._default_manager.filter(
        sync__in=syncs, consumer__disabled_at=None
    )
    for link in links.select_related("consumer"):
        by_sync[link.sync_id].append(link.consumer)
    for sync in syncs:
        sync.prefetched_consumers = [*by_sync[sync.pk], *to_all[sync.organization_id]]
    return syncs
