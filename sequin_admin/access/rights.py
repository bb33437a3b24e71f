"""Asks again whether an actor may still do what was begun, at the moment when it is done."""

from django.core.exceptions import PermissionDenied
from django.db import models

from sequin_admin.access.models import ApiKey, Organization, Scope, User
from sequin_admin.access.policy import Action, still_may
from sequin_admin.core import clock


class RightLost(PermissionDenied):
    """The actor had the right when this began and has it no longer. `str()` is a sentence."""


def refuse_lost_right(
    actor: models.Model | None,
    organization: Organization,
    *,
    action: Action = Action.EDIT,
    scope: Scope = Scope.WRITE,
) -> None:
    """Raise `RightLost` unless a person may still do `action`, an API key still has `scope`.

    Other actors (a customer's link, the system) have no role that could be taken from them.
    """
    if isinstance(actor, User) and not still_may(actor, organization, action):
        raise RightLost(
            f"You may no longer {action.label} in {organization}, so nothing was stored. "
            "Ask an owner of the organization."
        )
    if isinstance(actor, ApiKey) and not still_has(actor, scope):
        raise RightLost(
            f"The API key was revoked, has expired or lost the scope {scope.value}, so nothing was "
            "stored. Use another key."
        )


def still_has(key: ApiKey, scope: Scope) -> bool:
    """Whether the key is usable now and has the scope. Asks the database."""
    row = ApiKey.objects.usable(clock.now()).filter(pk=key.pk).first()
    return row is not None and scope in row.scopes
