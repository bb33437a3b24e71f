"""Messages about changes of rows, with severity `info`: for programs and for audit channels."""

from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import models

from sequin_admin.access.models import Organization
from sequin_admin.audit.models import SYSTEM
from sequin_admin.core import clock
from sequin_admin.notifications import outbox
from sequin_admin.notifications.message import TYPES, Message, Severity


class Row(Protocol):
    """A row that belongs to an organization."""

    @property
    def pk(self) -> UUID: ...

    @property
    def organization(self) -> Organization: ...


def notify(
    type_: str, row: Row, *, actor: models.Model | None, path: str, text: str = "", **data: Any
) -> None:
    """Post that `row` changed, in the same transaction. `data` must hold no secrets."""
    outbox.post(
        row.organization, message_for(type_, row, actor=actor, path=path, text=text, **data)
    )


def message_for(
    type_: str, row: Row, *, actor: models.Model | None, path: str, text: str = "", **data: Any
) -> Message:
    """The message that `notify()` posts."""
    at = clock.now()
    who = str(actor or SYSTEM)
    return Message(
        type=type_,
        key=f"{type_.partition('.')[0]}:{row.pk}",
        severity=Severity.INFO,
        title=f"{TYPES[type_]}: {row}",
        text=text or f"{who} did this on {at:%-d %B %Y, %H:%M} UTC. Nobody must act.",
        action_url=f"{settings.PUBLIC_URL}{path}",
        data={"id": str(row.pk), "name": str(row), "actor": who, **data},
    )
