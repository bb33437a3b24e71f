"""Roles and the actions they allow."""

from typing import Any

from django.db import models

from sequin_admin.core import clock


class Role(models.TextChoices):
    """What a member is in an organization."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MEMBER = "member", "Member"
    VIEWER = "viewer", "Viewer"


class Action(models.TextChoices):
    """What a role allows to do; the label completes "may ..."."""

    VIEW = "view", "look at everything except secrets"
    EDIT = "edit", "connect, change, verify and delete credentials"
    REVEAL = "reveal", "see stored secrets"
    CONFIGURE = "configure", "manage OAuth apps, API keys and notifications"
    MANAGE = "manage", "manage members and the organization"


_ALLOWED = {
    Role.VIEWER: {Action.VIEW},
    Role.MEMBER: {Action.VIEW, Action.EDIT},
    Role.ADMIN: {Action.VIEW, Action.EDIT, Action.CONFIGURE, Action.REVEAL},
    Role.OWNER: set(Action),
}


def allows(role: str, action: Action) -> bool:
    return action in _ALLOWED.get(Role(role), set())


def still_may(user: models.Model, organization: Any, action: Action) -> bool:
    """Whether the person may do this in the organization now, as a member or by open staff access.

    Asks the database: a membership that was loaded when something began may be gone when it ends.
    """
    roles = [role for role in Role if allows(role, action)]
    rows = organization.memberships.filter(user=user, user__is_active=True)
    if rows.filter(role__in=roles).exists():
        return True
    accesses = organization.staff_accesses.open(clock.now()).by(user)
    return any(access.role in roles for access in accesses)


def refusal(role: str, action: Action) -> str:
    """The sentence for a user whose role does not allow the action."""
    least = next(r for r in reversed(Role) if action in _ALLOWED[r])
    return (
        f"Your role here is {Role(role).label.lower()}. To {action.label} you need to be "
        f"{least.label.lower()} or more; ask an owner of the organization."
    )
