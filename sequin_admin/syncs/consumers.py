"""Operations on consumers. All audited."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.signals import disabled
from sequin_admin.syncs import health
from sequin_admin.syncs.models import Consumer, Sync, Target
from sequin_admin.syncs.runs import consumer_runs


@transaction.atomic
def create(
    organization: Organization,
    *,
    actor: AnyActor,
    name: str,
    target: Target,
    syncs: Sequence[Sync] = (),
    all_syncs: bool = False,
    active: bool = True,
    metadata: dict[str, Any] | None = None,
) -> Consumer:
    consumer = Consumer(
        organization=organization,
        name=name,
        target=target,
        all_syncs=all_syncs,
        metadata=metadata or {},
        disabled_at=None if active else clock.now(),
    )
    consumer.save()
    consumer.syncs.set(() if all_syncs else syncs)
    record_change(consumer, "consumer.created", actor, writes_to=target.name)
    recompute_health(consumer)
    return consumer


@transaction.atomic
def update(
    consumer: Consumer,
    *,
    actor: AnyActor,
    syncs: Sequence[Sync] | None = None,
    active: bool | None = None,
    **columns: Any,
) -> None:
    """Change the given values that differ. `columns`: `name`, `target`, `all_syncs`, `metadata`.

    Into another target everything is read again.
    """
    syncs_before = set(consumer.selected_syncs())
    changed = sorted(n for n, value in columns.items() if value != getattr(consumer, n))
    for name in changed:
        setattr(consumer, name, columns[name])
    if active is not None and active != consumer.active:
        consumer.disabled_at = None if active else clock.now()
        changed.append("active")
    if consumer.all_syncs:
        consumer.syncs.clear()
    elif syncs is not None and {*syncs} != {*consumer.syncs.all()}:
        consumer.syncs.set(syncs)
        changed.append("syncs")
    if changed:
        consumer.save()
        if "target" in changed:
            consumer_runs.read_all_again([consumer])
        record_change(consumer, "consumer.changed", actor, changed=changed)
        recompute_health(consumer, *syncs_before)


@transaction.atomic
def delete(consumer: Consumer, *, actor: AnyActor) -> None:
    """Delete the consumer. What it has written stays in the target."""
    record_change(consumer, "consumer.deleted", actor)
    syncs_before = list(consumer.selected_syncs())
    consumer_runs.end_runs_of([consumer])
    consumer.delete()
    health.recompute_syncs(Sync.objects.filter(pk__in=[sync.pk for sync in syncs_before]))


def recompute_health(consumer: Consumer, *syncs_before: Sync) -> None:
    """Recompute the consumer, and all syncs that it had before or has now."""
    if consumer.active:
        health.recompute_and_propagate([consumer])
    else:
        disabled.send(sender=Consumer, subject=consumer)
    syncs = {*syncs_before, *consumer.selected_syncs()}
    health.recompute_syncs(Sync.objects.filter(pk__in=[sync.pk for sync in syncs]))
