"""What staff do to accounts and organizations. Each needs a reason and is audited.

Events about an account are written into the log of each organization that it is a member of.
"""

from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from sequin_admin.access import endings
from sequin_admin.access.account_log import person_of, record_account_change
from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import record_change
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.admin import VerbRefused

FLAGS = ("is_staff", "is_superuser")


class StaffRefusal(VerbRefused):
    """Staff may not do this, or not now. `str()` is a sentence."""


def require_reason(reason: str) -> None:
    """Raises `StaffRefusal` for an empty reason."""
    if not reason.strip():
        raise StaffRefusal("Give a reason. It is written into the audit log.")


def require_superuser(actor: User) -> None:
    """Raises `StaffRefusal` unless the actor is an active superuser."""
    if not (actor.is_active and actor.is_superuser):
        raise StaffRefusal("Only a superuser can do this. Ask one.")


def manages_account(actor: User, user: User) -> bool:
    """Whether the actor may lock the account or remove its second factors.

    Accounts of staff are the superusers' alone, as they give power over all organizations.
    """
    if not (actor.is_active and actor.is_staff) or actor == user:
        return False
    if user.is_staff or user.is_superuser:
        return actor.is_superuser
    return actor.has_perm("access.change_user")


def require_account(actor: User, user: User) -> None:
    """Raises `StaffRefusal` unless `manages_account()`."""
    if not manages_account(actor, user):
        raise StaffRefusal(
            "You can't do this to your own account, and only superusers can do it to an account of "
            "staff. Ask a superuser."
        )


@transaction.atomic
def set_active(user: User, active: bool, *, actor: AnyActor, reason: str) -> None:
    """Lock an account, or open it again. Raises `StaffRefusal`."""
    require_reason(reason)
    require_account(person_of(actor), user)
    row = User.objects.select_for_update().get(pk=user.pk)
    if row.is_active == active:
        return
    row.is_active = active
    row.save(update_fields=["is_active"])
    action = "user.activated" if active else "user.deactivated"
    record_account_change(row, action, actor, reason=reason)


@transaction.atomic
def remove_second_factors(user: User, *, actor: AnyActor, reason: str) -> None:
    """For somebody who lost the device. Raises `StaffRefusal`."""
    require_reason(reason)
    require_account(person_of(actor), user)
    factors = Authenticator.objects.filter(user=user)
    types = sorted(factors.values_list("type", flat=True))
    if not types:
        raise StaffRefusal(f"{user} has no second factor.")
    factors.delete()
    record_account_change(user, "user.second_factors_removed", actor, reason=reason, types=types)


@transaction.atomic
def set_rights(
    user: User,
    *,
    actor: AnyActor,
    reason: str,
    is_staff: bool,
    is_superuser: bool,
    permissions: Iterable[Permission] = (),
    groups: Iterable[Group] = (),
) -> None:
    """Replace the rights of an account in the staff admin. Raises `StaffRefusal`.

    Nobody changes their own, so that one superuser always remains.
    """
    require_reason(reason)
    person = lock_accounts(person_of(actor), user)
    require_superuser(person)
    if person == user:
        raise StaffRefusal("You can't change your own rights. Ask another superuser.")
    row = User.objects.get(pk=user.pk)
    before = describe_rights(row)
    row.is_staff, row.is_superuser = is_staff, is_superuser
    row.save(update_fields=list(FLAGS))
    row.user_permissions.set(permissions)
    row.groups.set(groups)
    after = describe_rights(row)
    if after != before:
        record_account_change(
            row, "user.rights_changed", actor, reason=reason, before=before, after=after
        )


def lock_accounts(actor: User, user: User) -> User:
    """The actor as stored now. Two superusers can't take each other's rights at the same time."""
    rows = User.objects.select_for_update().filter(pk__in=[actor.pk, user.pk]).order_by("pk")
    return next(row for row in rows if row.pk == actor.pk)


def describe_rights(user: User) -> dict[str, object]:
    names = user.user_permissions.values_list("content_type__app_label", "codename")
    return {
        **{flag: getattr(user, flag) for flag in FLAGS},
        "permissions": sorted(f"{app}.{codename}" for app, codename in names),
        "groups": sorted(user.groups.values_list("name", flat=True)),
    }


@transaction.atomic
def change_slug(organization: Organization, slug: str, *, actor: AnyActor, reason: str) -> None:
    """Raises `StaffRefusal`."""
    require_reason(reason)
    if not person_of(actor).has_perm("access.change_organization"):
        raise StaffRefusal("You may not change organizations. Ask a superuser.")
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    if Organization.objects.exclude(pk=row.pk).filter(slug=slug).exists():
        raise StaffRefusal(f"Another organization has the slug {slug}. Choose another one.")
    if row.slug == slug:
        return
    before, row.slug = row.slug, slug
    row.save(update_fields=["slug"])
    record_change(row, "organization.slug_changed", actor, reason=reason, before=before, after=slug)


def end_organization(organization: Organization, *, actor: AnyActor, reason: str) -> None:
    """As an owner ends it: with the wait, in which it can be undone. Raises `StaffRefusal`."""
    require_reason(reason)
    require_superuser(person_of(actor))
    try:
        endings.ask(organization, actor=actor, reason=reason)
    except endings.EndRefused as refused:
        raise StaffRefusal(str(refused)) from None


def keep_organization(organization: Organization, *, actor: AnyActor, reason: str) -> None:
    """Undo its end. Raises `StaffRefusal`."""
    require_reason(reason)
    require_superuser(person_of(actor))
    try:
        endings.undo(organization, actor=actor)
    except endings.EndRefused as refused:
        raise StaffRefusal(str(refused)) from None
