"""Which collections a credential has: the well-known ones, or those that were read from it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import models, transaction

from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.credentials.collections import CollectionSchema
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.syncs.models import Collection, Refresh
from sequin_admin.tokens import renewal

# Longer than introspection takes, page by page.
CLAIM = timedelta(minutes=5)


def of(credential: Credential) -> list[Collection]:
    """What is known: what was read last, or else the provider's well-known collections."""
    stored = list(Collection.objects.filter(credential=credential).order_by("name", "id"))
    return stored or rows_of(credential, credential.catalogue)


def rows_of(credential: Credential, shapes: Sequence[CollectionSchema]) -> list[Collection]:
    """Rows that are not stored yet."""
    return [
        Collection(
            credential_id=credential.pk,
            collection_id=f"{credential.provider}:{shape.upstream_id}",
            upstream_id=shape.upstream_id,
            name=shape.name[:250],
            fields=[asdict(column) for column in shape.columns],
            upstream_metadata=dict(shape.metadata),
        )
        for shape in shapes
    ]


@transaction.atomic
def start(credential: Credential, *, actor: models.Model | None) -> Refresh:
    """Let a worker look again. One that is under way goes on."""
    refresh, _ = Refresh.objects.select_for_update().get_or_create(credential=credential)
    if refresh.status != Refresh.Status.PROCESSING:
        refresh.status, refresh.claimed_until = Refresh.Status.PROCESSING, None
        refresh.last_started_at = clock.now()
        refresh.error = refresh.error_code = ""
        refresh.save()
    record_change(
        "credential.collections_refresh_started",
        actor=actor,
        target=credential,
        organization_id=credential.organization_id,
    )
    return refresh


def claim_due(room: int) -> Sequence[Refresh]:
    """Up to `room` refreshes that nobody is at, each ours for as long as `CLAIM`."""
    now = clock.now()
    free = models.Q(claimed_until=None) | models.Q(claimed_until__lte=now)
    with transaction.atomic():
        due = Refresh.objects.filter(free, status=Refresh.Status.PROCESSING)
        rows = list(due.select_for_update(skip_locked=True, no_key=True)[:room])
        Refresh.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_until=now + CLAIM)
        for row in rows:
            row.claimed_until = now + CLAIM
    return rows


def refresh_claimed(refresh: Refresh) -> bool:
    """Read the collections, and store them unless the claim is over: then somebody else does."""
    credential = Credential.objects.select_related("oauth_app").get(pk=refresh.credential_id)
    try:
        found = read_collections(credential)
    except FAILURES as error:
        outcome = credential.classify_failure(error)
        return finish_refresh(
            refresh,
            status=Refresh.Status.FAILED,
            error_code=outcome.code[:60],
            error=outcome.sentence[:500],
        )
    with transaction.atomic():
        succeeded = {"status": Refresh.Status.SUCCEEDED, "last_succeeded_at": clock.now()}
        if not finish_refresh(refresh, **succeeded):
            return False
        Collection.objects.filter(credential=credential).delete()
        Collection.objects.bulk_create(rows_of(credential, found))
    return True


def read_collections(credential: Credential) -> Sequence[CollectionSchema]:
    """Ask the provider. A refused access token is renewed once. Raises one of `FAILURES`."""
    if type(credential).collections is Credential.collections:
        return credential.catalogue
    token = renewal.current(credential)
    try:
        return credential.collections(token)
    except Refused as refusal:
        if refusal.outcome.verdict is not Verdict.REFRESH:
            raise
        return credential.collections(renewal.refresh(credential, refused=token))


def finish_refresh(refresh: Refresh, **columns: object) -> bool:
    """Write how it ended. False when the claim has passed to somebody else."""
    own = Refresh.objects.filter(pk=refresh.pk, claimed_until=refresh.claimed_until)
    return own.update(claimed_until=None, **columns) == 1
