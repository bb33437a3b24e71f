"""Who did something, and from where."""

from dataclasses import dataclass

from django.conf import settings
from django.db import models
from django.http import HttpRequest

from sequin_admin.core.networks import Address

ADDRESS_CHARS, USER_AGENT_CHARS = 45, 200


@dataclass(frozen=True)
class Actor:
    """The actor of an event: a row (a person, an API key, a link) and where they called from.

    Without a row it is the system itself; an `unknown` one is somebody who is not signed in.
    `address` and `user_agent` are as the caller's connection and browser have them.
    """

    row: models.Model | None = None
    address: str = ""
    user_agent: str = ""
    unknown: bool = False

    def __str__(self) -> str:
        return str(self.row or "")

    @classmethod
    def of(cls, actor: "Actor | models.Model | None") -> "Actor":
        return actor if isinstance(actor, Actor) else cls(actor)

    def acting_as(self, row: models.Model | None) -> "Actor":
        """The row as an actor who called from the same place."""
        return Actor(row, self.address, self.user_agent)

    @property
    def origin(self) -> dict[str, str]:
        """Columns of an event that say where the actor called from."""
        shown = "".join(sign for sign in self.user_agent if sign.isprintable())
        return {"address": self.address[:ADDRESS_CHARS], "user_agent": shown[:USER_AGENT_CHARS]}


# Who is not known, and from where.
NOWHERE = Actor()
# What `audit.record_change()` takes.
AnyActor = Actor | models.Model | None


def address_of(request: HttpRequest) -> Address | None:
    """The caller's address, as `TRUSTED_PROXIES` sees it. None when unknown."""
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return settings.TRUSTED_PROXIES.client_address(peer, forwarded_for)


def actor_of(request: HttpRequest, row: models.Model | None = None) -> Actor:
    """The row, else the person who is signed in, else somebody unknown, and where from."""
    user = getattr(request, "user", None)
    if row is None and user is not None and user.is_authenticated:
        row = user
    return Actor(
        row,
        address=str(address_of(request) or ""),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        unknown=row is None,
    )
