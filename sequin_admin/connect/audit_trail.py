"""Audit events and messages of many credentials at once."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import Event, build_event
from sequin_admin.credentials.models import Credential
from sequin_admin.notifications import events, outbox


def record_imports(
    organization: Organization,
    imported: Iterable[tuple[Credential, dict[str, Any]]],
    *,
    actor: models.Model | None,
) -> None:
    """As `record_and_notify()`, for many credentials: new, or with what `changed`."""
    rows, messages = [], []
    for credential, details in imported:
        action = "credential.updated" if "changed" in details else "credential.created"
        details = {"kind": credential.kind, **details}
        rows.append(build_event(credential, action, actor, **details))
        messages.append(events.message_of_change(credential, action, actor, **details))
    Event.objects.bulk_create(rows)
    outbox.post(organization, *filter(None, messages))
