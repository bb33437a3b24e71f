"""Asks again whether an actor may still do what was begun, at the moment when it is done."""

from uuid import uuid4

from django.core.exceptions import PermissionDenied
from django.db import models

from sequin_admin.access import endings
from sequin_admin.access.models import ApiKey, Organization, Scope, User
from sequin_admin.access.policy import Action, still_may
from sequin_admin.core import clock
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.prepared import PreparedQuery


class RightLost(PermissionDenied):
    """The actor had the right when this began and has it no longer. `str()` is a sentence."""


def refuse_lost_right(
    actor: AnyActor,
    organization: Organization,
    *,
    action: Action = Action.EDIT,
    scope: Scope = Scope.WRITE,
) -> None:
    """Raise `RightLost` unless a person may still do `action`, an API key still has `scope`.

    Other actors (a customer's link, the system) have no role that could be taken from them. Of an
    organization that ends nothing is stored, whoever asks.
    """
    if endings.is_ending(organization):
        raise RightLost(
            f"{organization} is about to be erased, so nothing was stored. An owner can undo that."
        )
    row = Actor.of(actor).row
    if isinstance(row, User) and not still_may(row, organization, action):
        raise RightLost(
            f"You may no longer {action.label} in {organization}, so nothing was stored. "
            "Ask an owner of the organization."
        )
    if isinstance(row, ApiKey) and not still_has(row, scope):
        raise RightLost(
            f"The API key was revoked, has expired or lost the scope {scope.value}, so nothing was "
            "stored. Use another key."
        )


USABLE_BY_ID = PreparedQuery(
    lambda pk, now: ApiKey.objects.usable(now).filter(pk=pk),
    {"pk": (models.UUIDField(), uuid4()), "now": (models.DateTimeField(), clock.now())},
)


def still_has(key: ApiKey, scope: Scope) -> bool:
    """Whether the key is usable now and has the scope. Asks the database."""
    row = USABLE_BY_ID.first(pk=key.pk, now=clock.now())
    return row is not None and scope in row.scopes
