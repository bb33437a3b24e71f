"""Operations on syncs. All audited."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from sequin_admin.access.ceilings import refuse_above
from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.signals import disabled
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.limits import models as limits
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.syncs import health, rules
from sequin_admin.syncs.models import Sync, new_badge_token
from sequin_admin.syncs.runs import slots


@transaction.atomic
def create(credential: Credential, *, actor: AnyActor, **columns: Any) -> Sync:
    """Create a sync of the credential. Raises `ValidationError` with messages by field."""
    sync = Sync(
        organization_id=credential.organization_id,
        provider=credential.provider,
        credential=credential,
        **columns,
    )
    validate_sync(sync)
    refuse_too_many(credential.organization)
    sync.save()
    record_and_notify(
        sync, "sync.created", actor, provider=sync.provider, credential=credential.name
    )
    health.recompute_and_propagate([sync])
    return sync


def refuse_too_many(organization: Organization) -> None:
    """Raise `CeilingReached` when the organization may have no more syncs."""
    refuse_above(organization, Sync.objects.of(organization), "MAX_SYNCS")


@transaction.atomic
def update(sync: Sync, *, actor: AnyActor, **columns: Any) -> None:
    """Change the given columns that differ. Raises `ValidationError` with messages by field."""
    changed = sorted(n for n, value in columns.items() if value != getattr(sync, n))
    for name in changed:
        setattr(sync, name, columns[name])
    validate_sync(sync)
    if changed:
        sync.save()
        record_and_notify(sync, "sync.changed", actor, changed=changed)
    if "sync_frequency" in changed:
        slots.reschedule(sync)


def validate_sync(sync: Sync) -> None:
    """Raises `ValidationError` with the messages of all `RULES` that fail, by field."""
    messages: dict[str, list[str]] = {}
    for field, rule in RULES.items():
        try:
            rule(sync)
        except ValidationError as error:
            messages |= errors_by_path(field, error)
    if messages:
        raise ValidationError(messages)


def check_collections(collection_ids: list[str], provider: str) -> None:
    """The rule of `collection_ids` alone, to check it before a credential is imported."""
    try:
        rules.check_collections(collection_ids, provider)
    except ValidationError as error:
        raise ValidationError(errors_by_path("collection_ids", error)) from None


def errors_by_path(field: str, error: ValidationError) -> dict[str, list[str]]:
    """Messages by the path of their field: `rate_limit.interval`."""
    if not hasattr(error, "error_dict"):
        return {field: error.messages}
    return {f"{field}.{name}": messages for name, messages in error.message_dict.items()}


def check_rate(sync: Sync) -> None:
    if sync.rate_limit is not None:
        rules.check_rate(Rate(**sync.rate_limit), limits.get_rate_limit(sync.credential))


def check_stream(sync: Sync) -> None:
    """Raises `ValidationError` for another organization's stream."""
    if sync.stream and sync.stream.organization_id != sync.organization_id:
        raise ValidationError("There is no such stream in the credential's organization.")


RULES = {
    "stream_id": check_stream,
    "collection_ids": lambda sync: rules.check_collections(sync.collection_ids, sync.provider),
    "sync_frequency": lambda sync: rules.check_frequency(sync.sync_frequency),
    "rate_limit": check_rate,
}


@transaction.atomic
def set_status(sync: Sync, status: str, *, actor: AnyActor) -> None:
    """`active` or `disabled`."""
    if status == sync.status:
        return
    sync.disabled_at = clock.now() if status == "disabled" else None
    sync.save(update_fields=["disabled_at", "updated_at"])
    record_and_notify(sync, "sync.disabled" if sync.disabled_at else "sync.enabled", actor)
    if sync.disabled_at:
        disabled.send(sender=Sync, subject=sync)
    else:
        health.recompute_and_propagate([sync])


@transaction.atomic
def delete(sync: Sync, *, actor: AnyActor) -> None:
    """Delete the sync. Raises `InUse` while consumers select it by id."""
    refuse_if_used(sync, sync.consumers.all())
    record_and_notify(sync, "sync.deleted", actor, provider=sync.provider)
    sync.delete()


@transaction.atomic
def publish_badge(sync: Sync, *, actor: AnyActor) -> None:
    """Publish the sync's badge at a new URL."""
    sync.badge_token = new_badge_token()
    sync.save(update_fields=["badge_token", "updated_at"])
    record_and_notify(sync, "sync.badge_published", actor)


@transaction.atomic
def unpublish_badge(sync: Sync, *, actor: AnyActor) -> None:
    """Withdraw the badge: its URL stops working."""
    sync.badge_token = None
    sync.save(update_fields=["badge_token", "updated_at"])
    record_and_notify(sync, "sync.badge_withdrawn", actor)


def badge_url(sync: Sync) -> str:
    """The public URL of the badge; "" while it is not published."""
    return f"{settings.PUBLIC_URL}/badge/{sync.badge_token}.svg" if sync.badge_token else ""
