"""How trouble travels upwards: from credentials, consumers and targets to syncs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from sequin_admin.credentials.models import Credential, Monitored
from sequin_admin.health.rollup import batches, locked_in_order, propagate, recompute_status
from sequin_admin.health.signals import status_changed
from sequin_admin.syncs.models import Consumer, Sync, Target


def connect_signals() -> None:
    for model, passed_on in ((Target, propagate_to_consumers), (Consumer, propagate_to_syncs)):
        status_changed.connect(passed_on, sender=model)
    # Each kind of credential is a sender of its own.
    status_changed.connect(propagate_from_credentials)


def recompute_and_propagate(rows: Sequence[Monitored]) -> None:
    """Weigh rows of one model anew after somebody changed what they are made of."""
    with transaction.atomic():
        changed = recompute_status(rows)
    propagate(changed)


def propagate_from_credentials(
    sender: type, subjects: Sequence[Credential], **signal: object
) -> Counter[UUID] | None:
    """The syncs of these credentials take their trouble over."""
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
    taken = Counter[UUID]()
    for consumer, syncs in syncs_of(locked).items():
        taken[consumer.target_id] += len(syncs)
    return taken


def propagate_to_syncs(
    sender: type, subjects: Sequence[Consumer], **signal: object
) -> Counter[UUID]:
    known = syncs_of(subjects)
    recompute_syncs(Sync.objects.filter(pk__in={pk for syncs in known.values() for pk in syncs}))
    return Counter({consumer.pk: len(syncs) for consumer, syncs in known.items()})


def syncs_of(consumers: Iterable[Consumer]) -> Mapping[Consumer, set[UUID]]:
    """The ids of the syncs that each of the consumers reads."""
    return {consumer: set(consumer.read().values_list("pk", flat=True)) for consumer in consumers}


def recompute_syncs(syncs: QuerySet[Sync]) -> list[Sync]:
    """Weigh many syncs anew, some at a time. Returns all of them."""
    seen = []
    for ids in batches(syncs.filter(disabled_at=None)):
        with transaction.atomic():
            rows = Sync.objects.filter(pk__in=ids).with_credential()
            batch = with_readers(list(locked_in_order(rows)))
            recompute_status(batch)
        seen += batch
    return seen


def with_readers(syncs: list[Sync]) -> list[Sync]:
    """Each told which consumers read it, in two queries for all of them."""
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
        sync.known_readers = [*by_sync[sync.pk], *to_all[sync.organization_id]]
    return syncs
