"""Creating, changing and deleting channels. All audited, without secrets in the details."""

import base64
import secrets as random
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sequin_admin.access.ceilings import refuse_above
from sequin_admin.access.keys import get_person
from sequin_admin.access.models import Organization
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.notifications.channel_addresses import set_address
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery, DeliveryState

ROTATION_OVERLAP = timedelta(hours=24)
SECRET_BYTES = 32


@transaction.atomic
def create(
    organization: Organization,
    kind: ChannelKind,
    *,
    actor: AnyActor,
    name: str,
    address: str,
    **columns: Any,
) -> Channel:
    """Create a channel. `secrets["signing"]` of a webhook must be shown once.

    Raises `BadAddress`.
    """
    refuse_above(organization, Channel.objects.of(organization), "MAX_CHANNELS")
    channel = Channel(organization=organization, kind=kind, name=name, **columns)
    channel.created_by = get_person(actor)
    set_address(channel, address)
    if kind.is_signed:
        channel.secrets = {"signing": new_secret()}
    channel.save()
    record_change(channel, "channel.created", actor, kind=channel.kind, to=channel.audit_address)
    return channel


@transaction.atomic
def update(channel: Channel, *, actor: AnyActor, address: str = "", **columns: Any) -> None:
    """Change the given columns. An empty `address` keeps the current one.

    Raises `BadAddress`.
    """
    changed = sorted(n for n, value in columns.items() if value != getattr(channel, n))
    for column in changed:
        setattr(channel, column, columns[column])
    if address and address != channel.address:
        # Loaded now, as they are encrypted for the address.
        channel.secrets = dict(channel.secrets)
        set_address(channel, address)
        changed.append("address")
    if changed:
        channel.updated_at = clock.now()
        channel.save()
        record_change(channel, "channel.changed", actor, changed=changed, to=channel.audit_address)


@transaction.atomic
def rotate(channel: Channel, *, actor: AnyActor) -> str:
    """Make a new signing secret. The former one still signs messages for `ROTATION_OVERLAP`."""
    now = clock.now()
    row = Channel.objects.select_for_update().get(pk=channel.pk)
    former = [{"secret": row.secrets["signing"], "until": (now + ROTATION_OVERLAP).isoformat()}]
    kept = [p for p in row.secrets.get("previous", []) if datetime.fromisoformat(p["until"]) > now]
    row.secrets = {"signing": (secret := new_secret()), "previous": [*former, *kept]}
    row.secret_changed_at = row.updated_at = now
    row.save(update_fields=["secrets", "secret_changed_at", "updated_at"])
    record_change(row, "channel.rotated", actor)
    return secret


def new_secret() -> str:
    """A random secret in the format of Standard Webhooks."""
    return f"whsec_{base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()}"


@transaction.atomic
def disable(channel: Channel, *, actor: AnyActor, reason: str = "") -> None:
    """Disable the channel and drop its pending deliveries."""
    now = clock.now()
    rows = Channel.objects.filter(pk=channel.pk, enabled=True)
    if not rows.update(enabled=False, disabled_reason=reason[:300], updated_at=now):
        return
    Delivery.objects.pending().filter(channel=channel).update(
        state=DeliveryState.DROPPED, last_error="The channel was disabled.", ended_at=now
    )
    record_change(channel, "channel.disabled", actor, reason=reason)


@transaction.atomic
def enable(channel: Channel, *, actor: AnyActor) -> None:
    rows = Channel.objects.filter(pk=channel.pk, enabled=False)
    if rows.update(enabled=True, disabled_reason="", updated_at=clock.now()):
        record_change(channel, "channel.enabled", actor)


@transaction.atomic
def delete(channel: Channel, *, actor: AnyActor) -> None:
    """Delete the channel with its deliveries."""
    record_change(channel, "channel.deleted", actor, kind=channel.kind)
    channel.delete()
