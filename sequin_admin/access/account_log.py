"""Audit events about accounts, which belong to no organization or to several."""

from typing import Any

from sequin_admin.access.models import User
from sequin_admin.audit.models import record_change


def record_account_change(user: User, action: str, actor: User, **details: Any) -> None:
    """Write the event into the log of each organization that the account is a member of."""
    organizations = user.memberships.values_list("organization_id", flat=True)
    for organization_id in organizations or (None,):
        record_change(user, action, actor, organization_id=organization_id, **details)
