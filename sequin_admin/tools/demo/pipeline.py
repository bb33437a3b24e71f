"""Streams, a target, syncs of the accounts and a consumer."""

import secrets
from collections.abc import Sequence

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.credentials.models import Credential
from sequin_admin.syncs import consumers, reports, streams, syncs, targets
from sequin_admin.syncs.models import Stream, Sync, Target

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
        name="Warehouse",
        host=f"warehouse.{organization.slug}.example",
        port=5432,
        database="analytics",
        username="sequin",
        password=secrets.token_urlsafe(24),
        ssl_mode="require",
        schema="records",
    )
    return [target, *(streams.create(organization, actor=actor, slug=slug) for slug in STREAMS)]


def make_syncs(
    organization: Organization, credentials: Sequence[Credential], *, actor: models.Model
) -> list[models.Model]:
    """A sync of each account that is read, and a consumer of the first one."""
    rows = Stream.objects.filter(organization=organization, slug__in=STREAMS).order_by("slug")
    known = list(rows)
    made = [
        make_sync(credential, known[number % len(known)], number, actor)
        for number, credential in enumerate(c for c in credentials if c.provider in READ)
    ]
    for number, sync in enumerate(made):
        reports.record_report(sync, rows=ROWS * (number + 1), lag_s=1.4 + number, backfilled=True)
    target = Target.objects.filter(organization=organization, name="Warehouse").first()
    if target is None or not made:
        return [*made]
    consumer = consumers.create(
        organization, actor=actor, name="Billing to the warehouse", target=target, syncs=made[:1]
    )
    return [*made, consumer]


def make_sync(credential: Credential, stream: Stream, number: int, actor: models.Model) -> Sync:
    return syncs.create(
        credential,
        actor=actor,
        stream=stream,
        name=f"{credential.metadata['company']}: {credential.provider_title}",
        collection_ids=[f"{credential.provider}:{name}" for name in READ[credential.provider]],
        sync_frequency=FREQUENCIES[number % len(FREQUENCIES)],
    )
