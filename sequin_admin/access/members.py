"""Memberships of an organization: adds people, changes their roles, removes them."""

from django.db import transaction

from sequin_admin.access.models import Membership, Organization, User
from sequin_admin.access.policy import Role
from sequin_admin.audit.models import record_change
from sequin_admin.core.actors import AnyActor


class AlreadyMember(Exception):
    """The person is a member already. `str()` is a sentence."""


class LastOwner(Exception):
    """The organization would be left without an owner. `str()` is a sentence."""


@transaction.atomic
def add(organization: Organization, user: User, role: str, *, actor: AnyActor) -> Membership:
    """Make the account a member. People join through `invitations`. Raises `AlreadyMember`."""
    membership, added = Membership.objects.get_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    if not added:
        raise already_member(membership)
    record_change(
        membership.user,
        "member.added",
        actor,
        organization_id=membership.organization_id,
        role=role,
    )
    return membership


def refuse_member(organization: Organization, email: str) -> None:
    """Raises `AlreadyMember` when a member logs in with this address."""
    rows = Membership.objects.of(organization).select_related("user")
    if membership := rows.filter(user__email__iexact=email).first():
        raise already_member(membership)


def already_member(membership: Membership) -> AlreadyMember:
    role = membership.get_role_display().lower()
    return AlreadyMember(
        f"{membership.user} is a member already, as {role}. An owner can change the role in the "
        "list of members."
    )


@transaction.atomic
def change_role(membership: Membership, role: str, *, actor: AnyActor) -> None:
    """Change the member's role. Raises `LastOwner`."""
    before = membership.role
    if before == role:
        return
    require_another_owner(membership, "change the role of")
    membership.role = role
    membership.save(update_fields=["role"])
    record_change(
        membership.user,
        "member.role_changed",
        actor,
        organization_id=membership.organization_id,
        before=before,
        after=role,
    )


@transaction.atomic
def remove(membership: Membership, *, actor: AnyActor) -> None:
    """Delete the membership; the account stays. Raises `LastOwner`."""
    require_another_owner(membership, "remove")
    record_change(
        membership.user,
        "member.removed",
        actor,
        organization_id=membership.organization_id,
        role=membership.role,
    )
    membership.delete()


def require_another_owner(membership: Membership, verb: str) -> None:
    """Raises `LastOwner`. Locks the owners' rows, so that two owners can't remove each other at
    the same time."""
    owners = Membership.objects.of(membership.organization).filter(role=Role.OWNER)
    if [owner.pk for owner in owners.select_for_update()] == [membership.pk]:
        raise LastOwner(
            f"{membership.user} is the only owner of {membership.organization}. "
            f"Make somebody else an owner first, then {verb} this one."
        )
