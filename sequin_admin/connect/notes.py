"""What is written down of everything that is done to a credential, and who is told of it."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event, event_of
from sequin_admin.credentials.models import Credential
from sequin_admin.notices import news, outbox
from sequin_admin.notices.notice import TYPES, Notice

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


def note(action: str, credential: Credential, actor: models.Model | None, **details: Any) -> None:
    """Write it into the audit log and, where it is news, tell whoever wants to know."""
    event(action, credential, actor, **details).save()
    told = news_of(action, credential, actor)
    if told:
        outbox.post(credential.organization, told)


def note_imports(
    organization: Organization,
    imported: Iterable[tuple[Credential, bool]],
    *,
    actor: models.Model | None,
) -> None:
    """The same for many that were imported, each new (True) or updated."""
    events, told = [], []
    for credential, new in imported:
        action = "credential.created" if new else "credential.updated"
        events.append(event(action, credential, actor, account=credential.describe()))
        told.append(news_of(action, credential, actor))
    Event.objects.bulk_create(events)
    outbox.post(organization, *filter(None, told))


def event(action: str, credential: Credential, actor: models.Model | None, **details: Any) -> Event:
    organization_id = credential.organization_id
    details = {"kind": credential.kind, **details}
    return event_of(
        action, actor=actor, target=credential, organization_id=organization_id, **details
    )


def news_of(action: str, credential: Credential, actor: models.Model | None) -> Notice | None:
    type_ = CHANGES.get(action, action)
    if type_ not in TYPES:
        return None
    return news.notice(
        type_,
        credential,
        actor=actor,
        path=f"/credentials/{credential.pk}/",
        provider=credential.provider,
        kind=credential.kind,
        action=action,
        metadata=credential.metadata,
    )
