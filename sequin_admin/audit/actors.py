"""Who did something, and from where."""

from dataclasses import dataclass
from typing import Any

from django.db import models

ADDRESS_CHARS, AGENT_CHARS = 45, 200


@dataclass(frozen=True)
class Actor:
    """The actor of an event: a row (a person, an API key, a link) and where they called from.

    Without a row it is the system itself; an `unknown` one is somebody who is not signed in.
    `address` and `agent` are as the caller's connection and browser have them.
    """

    row: models.Model | None = None
    address: str = ""
    agent: str = ""
    unknown: bool = False

    @classmethod
    def of(cls, actor: "Actor | models.Model | None") -> "Actor":
        return actor if isinstance(actor, Actor) else cls(actor)

    @property
    def origin(self) -> dict[str, Any]:
        """Columns of an event that say where the actor called from."""
        agent = "".join(sign for sign in self.agent if sign.isprintable())
        return {"address": self.address[:ADDRESS_CHARS], "agent": agent[:AGENT_CHARS]}


# What `record_change()` takes.
AnyActor = Actor | models.Model | None
