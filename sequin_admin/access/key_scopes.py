"""Compares the privileges of API keys: no key may create or change one with more. Pure."""

from collections.abc import Iterable
from datetime import datetime

from sequin_admin.access.models import ApiKey
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.networks import is_subnet, parse_network
from sequin_admin.core.words import count_words


class PrivilegeEscalation(Exception):
    """A key tried to grant more than it has. `str()` is a sentence; `fields` has one per column."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(
            "An API key can neither make, change nor revoke a key that may do more than itself. "
            "Use one that may do as much, or the page API keys in the dashboard."
        )
        self.fields = fields


def excess_privileges(actor: ApiKey, key: ApiKey) -> dict[str, str]:
    """Each privilege that `key` has and `actor` has not, as a sentence by column."""
    fields = {}
    if more := sorted(set(key.scopes) - set(actor.scopes)):
        fields["scopes"] = f"Your own key lacks {', '.join(more)}."
    if ends_later(key.expires_at, actor.expires_at):
        fields["expires_at"] = f"Your own key ends on {actor.expires_at:%Y-%m-%d at %H:%M} UTC."
    if has_other_networks(key.networks, actor.networks):
        fields["networks"] = f"Your own key works from {', '.join(actor.networks)} only."
    if key.allowed_per_minute > actor.allowed_per_minute:
        allowed = count_words(actor.allowed_per_minute, "request")
        fields["requests_per_minute"] = f"Your own key is allowed {allowed} a minute."
    return fields


def ends_later(one: datetime | None, other: datetime | None) -> bool:
    """None means that the key does not expire."""
    return other is not None and (one is None or one > other)


def has_other_networks(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """Whether some of `inner` is not in `outer`. An empty list means all networks."""
    inner, around = list(inner), [parse_network(text) for text in outer]
    if not around:
        return False
    return not inner or not all(any(is_subnet(parse_network(i), o) for o in around) for i in inner)


def refuse_privilege_escalation(actor: AnyActor, key: ApiKey) -> None:
    """Raises `PrivilegeEscalation` when the actor is an API key that may do less than `key`."""
    row = Actor.of(actor).row
    fields = excess_privileges(row, key) if isinstance(row, ApiKey) else {}
    if fields:
        raise PrivilegeEscalation(fields)
