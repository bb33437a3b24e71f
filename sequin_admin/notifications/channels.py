"""Making, changing and deleting channels. All audited, and no secret among the details."""

import base64
import re
import secrets as random
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models, transaction

from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import record_change
from sequin_admin.core import clock, http
from sequin_admin.notifications.models import Channel, ChannelKind, Delivery, DeliveryState

OVERLAP = timedelta(hours=24)
MOST_ADDRESSES = 20
URL_CHARS = 2000
URL = r"^https://[^\s/?#@:\[\]]+(:\d{1,5})?([/?#]\S*)?$"
SECRET_BYTES = 32


class BadAddress(ValueError):
    """Nothing can be sent there. `str()` says why."""


@transaction.atomic
def create(
    organization: Organization,
    kind: ChannelKind,
    *,
    actor: models.Model | None,
    name: str,
    address: str,
    **columns: Any,
) -> Channel:
    """A new channel. A webhook's signing secret is in `secrets["signing"]`: show it once."""
    channel = Channel(organization=organization, kind=kind, name=name, **columns)
    channel.created_by = actor if isinstance(actor, User) else None
    put_address(channel, address)
    if kind is ChannelKind.WEBHOOK:
        channel.secrets = {"signing": new_secret()}
    channel.save()
    record_channel_change("channel.created", channel, actor, kind=channel.kind, to=channel.where)
    return channel


@transaction.atomic
def update(
    channel: Channel, *, actor: models.Model | None, address: str = "", **columns: Any
) -> None:
    """Change the columns that are given. An empty address stays as it is."""
    changed = sorted(n for n, value in columns.items() if value != getattr(channel, n))
    for column in changed:
        setattr(channel, column, columns[column])
    if address and address != channel.address:
        put_address(channel, address)
        changed.append("address")
    if changed:
        channel.updated_at = clock.now()
        channel.save()
        record_channel_change("channel.changed", channel, actor, changed=changed, to=channel.where)


def put_address(channel: Channel, address: str) -> None:
    """Raises `BadAddress`."""
    if channel.kind == ChannelKind.MAIL:
        channel.address = ", ".join(mail_addresses(address))
        return
    url = checked_url(address)
    channel.address = url
    if channel.kind == ChannelKind.SLACK:
        channel.address = f"https://{urlsplit(url).netloc}/..."
        channel.secrets = {"url": url}
        channel.secret_changed_at = clock.now()


def mail_addresses(text: str) -> list[str]:
    """Raises `BadAddress` unless it is one or more addresses."""
    found = list(dict.fromkeys(re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))))
    for each in found:
        try:
            validate_email(each)
        except ValidationError:
            said = f"{each[:100]} is not a mail address." if each else "Enter a mail address."
            raise BadAddress(said) from None
    if len(found) > MOST_ADDRESSES:
        raise BadAddress(f"Enter at most {MOST_ADDRESSES} addresses, or use a mailing list.")
    return found


def checked_url(text: str) -> str:
    """Raises `BadAddress` for what could never be called. Names are looked up at each delivery."""
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise BadAddress("This is not an address that can be called.") from None
    if len(url) > URL_CHARS or re.search(r"[\s\x00-\x1f\x7f]", url) or not host:
        raise BadAddress("This is not an address that can be called.")
    if parts.scheme != "https":
        raise BadAddress("Enter an address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("Leave out the user name and password: messages are signed instead.")
    if is_local(host):
        try:
            http.vetted_address(host, port)
        except http.Unreachable as error:
            raise BadAddress(str(error)) from None
    return url


def is_local(host: str) -> bool:
    """Whether it can be judged without asking DNS."""
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return True


@transaction.atomic
def rotate(channel: Channel, *, actor: models.Model | None) -> str:
    """A new signing secret. For a day, messages are signed with the former one as well."""
    now = clock.now()
    row = Channel.objects.select_for_update().get(pk=channel.pk)
    former = [{"secret": row.secrets["signing"], "until": (now + OVERLAP).isoformat()}]
    kept = [p for p in row.secrets.get("previous", []) if datetime.fromisoformat(p["until"]) > now]
    row.secrets = {"signing": (secret := new_secret()), "previous": [*former, *kept]}
    row.secret_changed_at = row.updated_at = now
    row.save(update_fields=["secrets", "secret_changed_at", "updated_at"])
    record_channel_change("channel.rotated", row, actor)
    return secret


def new_secret() -> str:
    """As Standard Webhooks writes it."""
    return f"whsec_{base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()}"


@transaction.atomic
def disable(channel: Channel, *, actor: models.Model | None, reason: str = "") -> None:
    """Send nothing any more; what still waits is dropped."""
    now = clock.now()
    own = Channel.objects.filter(pk=channel.pk, enabled=True)
    if not own.update(enabled=False, disabled_reason=reason[:300], updated_at=now):
        return
    Delivery.objects.pending().filter(channel=channel).update(
        state=DeliveryState.DROPPED, last_error="The channel was disabled.", ended_at=now
    )
    record_channel_change("channel.disabled", channel, actor, reason=reason)


@transaction.atomic
def enable(channel: Channel, *, actor: models.Model | None) -> None:
    own = Channel.objects.filter(pk=channel.pk, enabled=False)
    if own.update(enabled=True, disabled_reason="", updated_at=clock.now()):
        record_channel_change("channel.enabled", channel, actor)


@transaction.atomic
def delete(channel: Channel, *, actor: models.Model | None) -> None:
    """With its log of deliveries."""
    record_channel_change("channel.deleted", channel, actor, kind=channel.kind)
    channel.delete()


def record_channel_change(
    action: str, channel: Channel, actor: models.Model | None, **details: Any
) -> None:
    organization_id = channel.organization_id
    record_change(action, actor=actor, target=channel, organization_id=organization_id, **details)
