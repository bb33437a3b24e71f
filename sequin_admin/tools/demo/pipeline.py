"""Streams, a target, syncs of the accounts and a consumer."""

import secrets

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.credentials.models import Credential
from sequin_admin.syncs import consumers, reports, streams, syncs, targets
from sequin_admin.syncs.models import Consumer, Stream, Sync, Target

TARGET = "Warehouse"
STREAMS = ("dev", "prod", "warehouse")
# Collections that are read, by provider; the accounts of others are not read.
READ = {
    "stripe": ("customer", "invoice"),
    "hubspot": ("contact", "company"),
    "salesforce": ("account", "contact"),
    "shopify": ("order", "product"),
    "checkout_champ": ("order", "customer"),
    "github": ("issue", "pull_request"),
    "linear": ("issue", "project"),
}
FREQUENCIES = ("continuous", "30m", "1d")
ROWS = 4_817


def make_places(organization: Organization, *, actor: models.Model) -> list[models.Model]:
    """The streams, and a target that does not exist, so its test fails."""
    target = targets.create(
        organization,
        actor=actor,
        name=TARGET,
        host=f"warehouse.{organization.slug}.example",
        port=5432,
        database="analytics",
        username="sequin",
        password=secrets.token_urlsafe(24),
        ssl_mode="require",
        schema="records",
    )
    return [target, *(streams.create(organization, actor=actor, slug=slug) for slug in STREAMS)]


def make_sync(credential: Credential, number: int, *, actor: models.Model) -> Sync:
    """A sync of the account, with its first report."""
    known = Stream.objects.filter(organization=credential.organization_id, slug__in=STREAMS)
    streams_by_turns = list(known.order_by("slug"))
    sync = syncs.create(
        credential,
        actor=actor,
        stream=streams_by_turns[number % len(streams_by_turns)],
        name=f"{credential.metadata['company']}: {credential.provider_title}",
        collection_ids=[f"{credential.provider}:{name}" for name in READ[credential.provider]],
        sync_frequency=FREQUENCIES[number % len(FREQUENCIES)],
    )
    reports.record_report(sync, rows=ROWS, backfilled=True)
    # Its worker is made up: nobody reports again, and it is not to be late.
    Sync.objects.filter(pk=sync.pk).update(last_succeeded_at=None)
    return sync


def make_consumer(sync: Sync, *, actor: models.Model) -> Consumer:
    """A consumer that writes the sync's records to the target."""
    target = Target.objects.get(organization=sync.organization_id, name=TARGET)
    return consumers.create(
        sync.organization, actor=actor, name="Records to the warehouse", target=target, syncs=[sync]
    )


def report(sync: Sync, number: int) -> None:
    """The latest report of the sync's worker."""
    sync.refresh_from_db()
    reports.record_report(sync, rows=ROWS * (number + 1), lag_s=1.4 + number)
    Sync.objects.filter(pk=sync.pk).update(last_succeeded_at=None)
