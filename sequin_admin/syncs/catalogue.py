"""Collections of a credential: the provider's well-known ones, or those read from the account."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import transaction

from sequin_admin.access import endings
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, leases, turns
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.turns import Turns
from sequin_admin.credentials.collections import NAME_CHARS, CollectionSchema
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.syncs.models import Collection, Refresh
from sequin_admin.tokens import renewal

# Longer than reading all pages takes.
CLAIM = timedelta(minutes=5)
TURNS = Turns("status = 'processing'")


def list_collections(credential: Credential) -> list[Collection]:
    """The collections that were read last, or else the provider's well-known ones, unsaved."""
    stored = list(Collection.objects.filter(credential=credential).order_by("name", "id"))
    return stored or unsaved_collections(credential, credential.catalogue)


def unsaved_collections(
    credential: Credential, schemas: Sequence[CollectionSchema]
) -> list[Collection]:
    """One row for each id, the last one where a provider repeats it."""
    return [
        Collection(
            credential_id=credential.pk,
            collection_id=f"{credential.provider}:{schema.upstream_id}",
            upstream_id=schema.upstream_id,
            name=schema.name[:NAME_CHARS],
            fields=[asdict(column) for column in schema.columns],
            upstream_metadata=dict(schema.metadata),
        )
        for schema in {schema.upstream_id: schema for schema in schemas}.values()
    ]


@transaction.atomic
def start_refresh(credential: Credential, *, actor: AnyActor) -> Refresh:
    """Request a refresh by a worker, unless one is under way. Audited either way."""
    refresh, _ = Refresh.objects.select_for_update().get_or_create(
        credential=credential, defaults={"queue": credential.queue_name}
    )
    if refresh.status != Refresh.Status.PROCESSING:
        refresh.queue = credential.queue_name
        refresh.status = Refresh.Status.PROCESSING
        refresh.last_started_at = clock.now()
        refresh.error = refresh.error_code = ""
        refresh.save()
        leases.revoke(refresh)
    record_change(credential, "credential.collections_refresh_started", actor)
    return refresh


def claim_due(room: int) -> Sequence[Refresh]:
    """Lease up to `room` refreshes, each for the time of `CLAIM`. The organizations take turns."""
    due = Refresh.objects.filter(leases.unleased(), status=Refresh.Status.PROCESSING)
    ending = endings.list_ending()
    due = endings.without_ending(due, ending, "credential__organization")
    due = due.order_by("last_started_at")

    @transaction.atomic
    def take(queues: Sequence[str], most: int) -> list[Refresh]:
        return leases.take_locked(turns.lock_shares(due, TURNS.share_out(queues, most)), CLAIM)

    return TURNS.claim(due, room, take, endings.closed_queues(ending))


def refresh_claimed(refresh: Refresh) -> bool:
    """Read and store the collections. False if nothing was stored, as the claim was lost."""
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
        Collection.objects.bulk_create(unsaved_collections(credential, found))
    return True


def read_collections(credential: Credential) -> Sequence[CollectionSchema]:
    """Read them from the provider; a refused token is refreshed once. Raises `FAILURES`."""
    if type(credential).collections is Credential.collections:
        return credential.catalogue
    token = renewal.get_access_token(credential)
    try:
        return credential.collections(token)
    except Refused as refusal:
        if refusal.outcome.verdict is not Verdict.REFRESH:
            raise
        return credential.collections(renewal.refresh(credential, refused=token))


def finish_refresh(refresh: Refresh, **columns: object) -> bool:
    """Store the result. False if the lease was lost to another worker."""
    return leases.release(refresh, **columns)
