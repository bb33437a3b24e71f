"""What actions on targets, streams, consumers and syncs reach."""

from django.db import models

from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.reach.model import IN_AUDIT_LOG, Reach, affected
from sequin_admin.syncs.models import Consumer, Stream, Sync, Target


def consumers_of(syncs: models.QuerySet[Sync]) -> models.QuerySet[Consumer]:
    return Consumer.objects.filter(disabled_at=None).consuming(syncs)


def reach_of_deleting_target(target: Target) -> Reach:
    return Reach(
        stops=("We forget its address and password, and connect to it no more.",),
        stays=("Everything in the database, unchanged.", IN_AUDIT_LOG),
    ).refused_while_used(target)


def reach_of_deleting_stream(stream: Stream) -> Reach:
    return Reach(
        stops=("Programs that name its id find nothing any more.",),
        stays=(IN_AUDIT_LOG,),
    ).refused_while_used(stream)


def reach_of_deleting_consumer(consumer: Consumer) -> Reach:
    reading = consumer.selected_syncs().filter(disabled_at=None)
    what = (
        f"is not written to {consumer.target} by it",
        f"are not written to {consumer.target} by it",
    )
    return Reach(
        stops=(affected(reading, *what) or f"It writes nothing to {consumer.target} any more.",),
        stays=(f"What is in {consumer.target}, and the syncs.", IN_AUDIT_LOG),
    )


def reach_of_disabling_sync(sync: Sync) -> Reach:
    consumers = consumers_of(Sync.objects.filter(pk=sync.pk))
    return Reach(
        stops=(
            "It reads nothing from the account.",
            affected(consumers, "gets nothing of it", "get nothing of it"),
        ),
        stays=("Its settings and history, and what was written. Enabled again, it goes on.",),
    )


def reach_of_deleting_sync(sync: Sync) -> Reach:
    return Reach(
        stops=(
            "Nothing is read from the account by it any more.",
            "The published badge: its address leads nowhere." if sync.badge_token else None,
        ),
        stays=(
            affected(Credential.objects.filter(pk=sync.credential_id), "stays as it is"),
            "What was written to targets.",
            IN_AUDIT_LOG,
        ),
    ).refused_while_used(sync, sync.consumers.all())
