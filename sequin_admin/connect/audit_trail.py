"""What is written down of everything that is done to a credential, and who is told of it."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event, event_of
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications import events, outbox
from sequin_admin.notifications.message import TYPES, Message

# Audited by a name of its own, told as one.
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
    """Write it into the audit log and, where it is news, tell whoever wants to know."""
    credential_event(action, credential, actor, **details).save()
    told = message_of(action, credential, actor)
    if told:
        outbox.post(credential.organization, told)


def record_imports(
    organization: Organization,
    imported: Iterable[tuple[Credential, bool]],
    *,
    actor: models.Model | None,
) -> None:
    """The same for many that were imported, each new (True) or updated."""
    events, told = [], []
    for credential, new in imported:
        action = "credential.created" if new else "credential.updated"
        events.append(credential_event(action, credential, actor, account=credential.describe()))
        told.append(message_of(action, credential, actor))
    Event.objects.bulk_create(events)
    outbox.post(organization, *filter(None, told))


def credential_event(
    action: str, credential: Credential, actor: models.Model | None, **details: Any
) -> Event:
    organization_id = credential.organization_id
    details = {"kind": credential.kind, **details}
    return event_of(
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
