"""Everything that somebody does to a sync. All audited."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction

from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.credentials.kinds import Rate
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.signals import disabled
from sequin_admin.credentials.usage import refuse_if_used
from sequin_admin.limits import models as limits
from sequin_admin.notifications import events
from sequin_admin.notifications.message import TYPES
from sequin_admin.syncs import health, rules
from sequin_admin.syncs.models import Sync, new_badge_token


@transaction.atomic
def create(credential: Credential, *, actor: models.Model | None, **columns: Any) -> Sync:
    """A sync of the credential's account. Raises `ValidationError` with sentences by field."""
    sync = Sync(
        organization_id=credential.organization_id,
        provider=credential.provider,
        credential=credential,
        **columns,
    )
    check(sync)
    sync.save()
    record_sync_change(
        "sync.created", sync, actor, provider=sync.provider, credential=credential.name
    )
    health.recompute_and_propagate([sync])
    return sync


@transaction.atomic
def update(sync: Sync, *, actor: models.Model | None, **columns: Any) -> None:
    """Change what is given and differs. Raises `ValidationError` with sentences by field."""
    changed = sorted(n for n, value in columns.items() if value != getattr(sync, n))
    for name in changed:
        setattr(sync, name, columns[name])
    check(sync)
    if changed:
        sync.save()
        record_sync_change("sync.changed", sync, actor, changed=changed)


def check(sync: Sync) -> None:
    sentences: dict[str, list[str]] = {}
    for field, rule in CHECKS.items():
        try:
            rule(sync)
        except ValidationError as error:
            sentences |= by_path(field, error)
    if sentences:
        raise ValidationError(sentences)


def check_collections(collection_ids: list[str], provider: str) -> None:
    """Their rule alone, for what must be known before a credential is imported."""
    try:
        rules.check_collections(collection_ids, provider)
    except ValidationError as error:
        raise ValidationError(by_path("collection_ids", error)) from None


def by_path(field: str, error: ValidationError) -> dict[str, list[str]]:
    if not hasattr(error, "error_dict"):
        return {field: error.messages}
    return {f"{field}.{name}": said for name, said in error.message_dict.items()}


def check_rate(sync: Sync) -> None:
    if sync.rate_limit is not None:
        rules.check_rate(Rate(**sync.rate_limit), limits.of(sync.credential))


def check_stream(sync: Sync) -> None:
    if sync.stream and sync.stream.organization_id != sync.organization_id:
        raise ValidationError("There is no such stream in the credential's organization.")


CHECKS = {
    "stream_id": check_stream,
    "collection_ids": lambda sync: rules.check_collections(sync.collection_ids, sync.provider),
    "sync_frequency": lambda sync: rules.check_frequency(sync.sync_frequency),
    "rate_limit": check_rate,
}


@transaction.atomic
def set_status(sync: Sync, status: str, *, actor: models.Model | None) -> None:
    """`active` or `disabled`."""
    if status == sync.status:
        return
    sync.disabled_at = clock.now() if status == "disabled" else None
    sync.save(update_fields=["disabled_at", "updated_at"])
    record_sync_change("sync.disabled" if sync.disabled_at else "sync.enabled", sync, actor)
    if sync.disabled_at:
        disabled.send(sender=Sync, subject=sync)
    else:
        health.recompute_and_propagate([sync])


@transaction.atomic
def delete(sync: Sync, *, actor: models.Model | None) -> None:
    """Forget it. Raises `InUse` while consumers name it."""
    refuse_if_used(sync, sync.consumers.all())
    record_sync_change("sync.deleted", sync, actor, provider=sync.provider)
    sync.delete()


@transaction.atomic
def publish(sync: Sync, *, actor: models.Model | None) -> None:
    """Give its badge a public address, a new one each time."""
    sync.badge_token = new_badge_token()
    sync.save(update_fields=["badge_token", "updated_at"])
    record_sync_change("sync.badge_published", sync, actor)


@transaction.atomic
def unpublish(sync: Sync, *, actor: models.Model | None) -> None:
    """Whoever has the badge's address finds nothing there any more."""
    sync.badge_token = None
    sync.save(update_fields=["badge_token", "updated_at"])
    record_sync_change("sync.badge_withdrawn", sync, actor)


def badge_url(sync: Sync) -> str:
    """Where everybody sees its status. Empty while it is not published."""
    return f"{settings.PUBLIC_URL}/badge/{sync.badge_token}.svg" if sync.badge_token else ""


def record_sync_change(action: str, sync: Sync, actor: models.Model | None, **details: Any) -> None:
    organization_id = sync.organization_id
    record_change(action, actor=actor, target=sync, organization_id=organization_id, **details)
    type_ = {"sync.changed": "sync.updated"}.get(action, action)
    if type_ in TYPES:
        path = "/syncs/" if type_ == "sync.deleted" else f"/syncs/{sync.pk}/"
        events.notify(type_, sync, actor=actor, path=path, **details)
