"""Audit events about accounts, which belong to no organization or to several."""

from typing import Any
from uuid import UUID

from sequin_admin.access.models import User
from sequin_admin.audit.models import record_change
from sequin_admin.audit.repeats import record_repeatable
from sequin_admin.core.actors import Actor, AnyActor


def record_account_change(user: User, action: str, actor: AnyActor, **details: Any) -> None:
    """Write the event into the log of each organization that the account is a member of."""
    for organization_id in list_logs(user):
        record_change(user, action, actor, organization_id=organization_id, **details)


def record_account_repeatable(user: User, action: str, actor: AnyActor, **details: Any) -> None:
    """As `record_account_change()`, but repeats are counted."""
    for organization_id in list_logs(user):
        record_repeatable(user, action, actor, organization_id=organization_id, **details)


def list_logs(user: User) -> list[UUID | None]:
    """The organizations whose logs tell of the account; that of the installation for none."""
    return list(user.memberships.values_list("organization_id", flat=True)) or [None]


def person_of(actor: AnyActor) -> User:
    """The person who acts. Raises `TypeError` for another actor: only people may do it."""
    row = Actor.of(actor).row
    if not isinstance(row, User):
        raise TypeError(f"{row} is no person.")
    return row
