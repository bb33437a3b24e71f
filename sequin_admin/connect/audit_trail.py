"""Audit events and channel messages for changes of credentials."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event, build_event
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications import events, outbox
from sequin_admin.notifications.message import TYPES, Message

# Audit actions that are notified under a common message type.
CHANGES = dict.fromkeys(
    (
        "credential.changed",
        "credential.secrets_replaced",
        "credential.reconnected",
        "credential.account_replaced",
    ),
    "credential.updated",
)


def record_credential_change(
    action: str, credential: Credential, actor: models.Model | None, **details: Any
) -> None:
    """Record an audit event and, for types in `TYPES`, post a message to the outbox."""
    credential_event(action, credential, actor, **details).save()
    message = message_of(action, credential, actor)
    if message:
        outbox.post(credential.organization, message)


def record_imports(
    organization: Organization,
    imported: Iterable[tuple[Credential, dict[str, Any]]],
    *,
    actor: models.Model | None,
) -> None:
    """As `record_credential_change()`, for many credentials: new, or with what `changed`."""
    rows, messages = [], []
    for credential, details in imported:
        action = "credential.updated" if "changed" in details else "credential.created"
        rows.append(credential_event(action, credential, actor, **details))
        messages.append(message_of(action, credential, actor))
    Event.objects.bulk_create(rows)
    outbox.post(organization, *filter(None, messages))


def credential_event(
    action: str, credential: Credential, actor: models.Model | None, **details: Any
) -> Event:
    organization_id = credential.organization_id
    details = {"kind": credential.kind, **details}
    return build_event(
        action, actor=actor, target=credential, organization_id=organization_id, **details
    )


def message_of(action: str, credential: Credential, actor: models.Model | None) -> Message | None:
    type_ = CHANGES.get(action, action)
    if type_ not in TYPES:
        return None
    return events.message_for(
        type_,
        credential,
        actor=actor,
        path=f"/credentials/{credential.pk}/",
        provider=credential.provider,
        kind=credential.kind,
        action=action,
        metadata=credential.metadata,
    )
