"""Access of staff to one organization for some hours ("break-glass"): opens and ends it.

It needs a reason, its owners are mailed before it begins, and every event under it is marked in the
organization's audit log (`User.audit_details`).
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import FilteredRelation, Q
from django.template.loader import render_to_string

from sequin_admin.access.account_log import person_of
from sequin_admin.access.models import Membership, Organization, StaffAccess, User
from sequin_admin.access.policy import Action, Role, allows
from sequin_admin.access.staff import StaffRefusal, require_reason
from sequin_admin.audit.models import Event, build_event, record_change
from sequin_admin.core import clock
from sequin_admin.core.actors import AnyActor
from sequin_admin.core.wrapping import one_line

LONGEST = timedelta(hours=4)
PATH_CHARS = 300


def open_access(
    organization: Organization,
    *,
    actor: AnyActor,
    reason: str,
    duration: timedelta,
    may_edit: bool = False,
) -> StaffAccess:
    """Give the actor access to the organization's pages. Raises `StaffRefusal`.

    The owners are mailed first; when that fails nothing is opened.
    """
    require_reason(reason)
    if not timedelta() < duration <= LONGEST:
        raise StaffRefusal("Staff access lasts at most 4 hours. Choose a shorter time.")
    person = person_of(actor)
    refuse_opening(organization, person)
    now = clock.now()
    access = StaffAccess(
        organization=organization,
        user=person,
        reason=reason.strip(),
        may_edit=may_edit,
        opened_at=now,
        expires_at=now + duration,
    )
    mail_owners(access)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        refuse_opening(organization, person)
        access.save(force_insert=True)
        record_change(
            access,
            "staff_access.opened",
            actor,
            reason=access.reason,
            may_edit=may_edit,
            expires_at=access.expires_at.isoformat(),
        )
    return access


def refuse_opening(organization: Organization, actor: User) -> None:
    """Raises `StaffRefusal`."""
    if not (actor.is_active and actor.is_staff and actor.has_perm("access.add_staffaccess")):
        raise StaffRefusal("Only staff who may open staff access can do this. Ask a superuser.")
    if Membership.objects.of(organization).filter(user=actor).exists():
        raise StaffRefusal(f"You are a member of {organization} and need no staff access.")
    if StaffAccess.objects.open(clock.now()).of(organization).by(actor).exists():
        raise StaffRefusal(f"Your access to {organization} is open. End it to open another one.")


def mail_owners(access: StaffAccess) -> None:
    """Tell each owner who looks, why and until when. Raises `StaffRefusal`."""
    owners = Membership.objects.of(access.organization).filter(
        role=Role.OWNER, user__is_active=True
    )
    addresses = list(owners.values_list("user__email", flat=True))
    if not addresses:
        raise StaffRefusal(
            f"{access.organization} has no active owner who could be told, so nothing was opened. "
            "Activate an owner's account first."
        )
    context = {"access": access, "public_url": settings.PUBLIC_URL}
    title = f"{access.user} opened staff access to {access.organization}"
    text = render_to_string("staff/access_opened.txt", context)
    try:
        for address in addresses:
            EmailMessage(one_line(title), text, to=[address]).send()
    except OSError:
        raise StaffRefusal(
            "The owners could not be mailed, so nothing was opened. Check the mail settings of "
            "this server and try again."
        ) from None


@transaction.atomic
def end_access(access: StaffAccess, *, actor: AnyActor) -> None:
    """End it now. Ending it twice changes nothing.

    Raises `StaffRefusal` unless the actor opened it, is an owner or is a superuser.
    """
    person = person_of(actor)
    if access.user_id != person.pk and not person.is_superuser and not is_owner(access, person):
        raise StaffRefusal("Only its holder, an owner or a superuser can end staff access.")
    row = StaffAccess.objects.select_for_update().get(pk=access.pk)
    if row.is_open:
        row.ended_at = clock.now()
        row.save(update_fields=["ended_at"])
        record_change(row, "staff_access.ended", actor)


def is_owner(access: StaffAccess, actor: User) -> bool:
    rows = Membership.objects.of(access.organization).filter(user=actor)
    return any(allows(row.role, Action.MANAGE) for row in rows)


def memberships_of_staff(user: User) -> list[Membership]:
    """Those that are stored, the oldest first, then an unsaved one for each open access of the
    user. One query."""
    is_open = Q(staff_accesses__ended_at=None, staff_accesses__expires_at__gt=clock.now())
    rows = User.objects.filter(pk=user.pk).annotate(
        own=FilteredRelation("memberships"),
        opened=FilteredRelation("staff_accesses", condition=is_open),
    )
    joined = [f"{name}__organization__sign_in_rules" for name in ("own", "opened")]
    # Each stored one stands beside each access.
    own: dict[int, Membership] = {}
    opened: dict[UUID, StaffAccess] = {}
    for row in rows.select_related(*joined).order_by(
        "own__created_at", "own__pk", "opened__opened_at"
    ):
        if membership := getattr(row, "own", None):
            own.setdefault(membership.pk, membership)
        if access := getattr(row, "opened", None):
            opened.setdefault(access.pk, access)
    return [*own.values(), *(as_membership(access, user) for access in opened.values())]


def as_membership(access: StaffAccess, user: User) -> Membership:
    membership = Membership(organization=access.organization, user=user, role=access.role)
    membership.staff_access = access
    return membership


def record_page(
    access: StaffAccess, actor: AnyActor, *, method: str, path: str, status: int
) -> None:
    """Write an event about a page that was opened or sent; once for each page, method and status.

    `path` is without the query string, which may contain what was searched for.
    """
    details: dict[str, Any] = {"method": method, "path": path[:PATH_CHARS], "status": status}
    known = Event.objects.of(access.organization_id).about(access)
    known = known.filter(action="staff_access.used")
    if not known.filter(**{f"details__{name}": value for name, value in details.items()}).exists():
        # What is known of the actor here, its events would ask for again.
        described: dict[UUID | None, dict[str, Any]] = {
            access.organization_id: {"staff": True, "staff_access": str(access.pk)}
        }
        build_event(access, "staff_access.used", actor, described=described, **details).save()
