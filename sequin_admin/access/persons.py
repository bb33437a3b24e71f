"""What is stored about a person: put together for them, and erased when they ask for it.

In the audit log a pseudonym takes the place of their name; see `audit.redaction`.
"""

from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import transaction

from sequin_admin.access.account_log import list_logs
from sequin_admin.access.addresses import is_taken
from sequin_admin.access.members import LastOwner, require_another_owner
from sequin_admin.access.models import Invitation, User
from sequin_admin.access.person_columns import ACCOUNT, STORED
from sequin_admin.audit import redaction
from sequin_admin.audit.models import Event, record_change
from sequin_admin.core.actors import AnyActor

# Of the log: the newest.
EVENTS = 10_000


class ErasureRefused(Exception):
    """The person can't be erased now. `str()` is a sentence."""


def describe_person(user: User) -> dict[str, Any]:
    """All that is stored about the person, as JSON values. Of the log the newest events."""
    found: dict[str, Any] = {"account": {name: getattr(user, name) for name in ACCOUNT}}
    for title, (rows, names) in STORED.items():
        found[title] = list(rows(user).values(*names)[:EVENTS])
    return found


def refuse_erasure(user: User) -> None:
    """Raises `ErasureRefused`."""
    for membership in user.memberships.select_related("organization", "user"):
        try:
            require_another_owner(membership, "erase")
        except LastOwner as refused:
            raise ErasureRefused(f"{refused} Or end {membership.organization}.") from None
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if user.is_superuser and not others.exists():
        raise ErasureRefused(
            f"{user} is the only superuser. Make another one first: manage.py createsuperuser."
        )


@transaction.atomic
def erase(user: User, *, actor: AnyActor) -> str:
    """Erase the account with all that is the person's. What they made for an organization stays.

    Returns the pseudonym that takes the place of the name in logs, which a job of the worker sees
    to. Raises `ErasureRefused`.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    refuse_erasure(user)
    pseudonym = f"erased person {uuid4().hex[:8]}"
    # Who only asked for a change to an address need not have it.
    proven = EmailAddress.objects.filter(user=user, verified=True)
    addresses = proven.values_list("email", flat=True)
    names = {user.email, user.username, *addresses, *former_addresses(user)}
    for organization_id in list_logs(user):
        record_change(user, "user.erased", actor, organization_id=organization_id)
    for session in UserSession.objects.filter(user=user):
        session.end()
    for name in filter(None, names):
        Invitation.objects.filter(email__iexact=name).delete()
    rename_columns(names, pseudonym)
    # A name that is a word stands for other things, too; events of the person are known by its id.
    spelt = sorted(name for name in names if "@" in name)
    redaction.request_redaction(str(user.pk), spelt, pseudonym)
    user.delete()
    return pseudonym


def former_addresses(user: User) -> set[str]:
    """What the log knows of them, without those that are another account's by now."""
    changes = Event.objects.filter(action="user.address_changed", target_id=str(user.pk))
    named = changes.values_list("details__before", flat=True)
    return {name for name in named if name and not is_taken(name, user)}


def rename_columns(names: set[str], pseudonym: str) -> None:
    """In columns that hold the name of whoever did something, as each model says."""
    for model in apps.get_models():
        for column in getattr(model, "names_persons", ()):
            rows = model._base_manager.filter(**{f"{column}__in": names})
            rows.update(**{column: pseudonym})
