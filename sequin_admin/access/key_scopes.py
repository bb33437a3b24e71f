"""How far an API key reaches, so that no key makes another one that may do more. Pure."""

from collections.abc import Iterable
from datetime import datetime

from sequin_admin.access.models import ApiKey
from sequin_admin.core.networks import network, within


class PrivilegeEscalation(Exception):
    """A key asked for more than it has. `str()` is a sentence; `fields` has them by column."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(
            "An API key can neither make nor change a key that may do more than itself. "
            "Use one that may do as much, or the page API keys in the dashboard."
        )
        self.fields = fields


def excess_privileges(mine: ApiKey, theirs: ApiKey) -> dict[str, str]:
    """In what `theirs` may do more than `mine`, as a sentence by column."""
    fields = {}
    if more := sorted(set(theirs.scopes) - set(mine.scopes)):
        fields["scopes"] = f"Your own key lacks {', '.join(more)}."
    if ends_later(theirs.expires_at, mine.expires_at):
        fields["expires_at"] = f"Your own key ends on {mine.expires_at:%Y-%m-%d at %H:%M} UTC."
    if has_other_networks(theirs.networks, mine.networks):
        fields["networks"] = f"Your own key works from {', '.join(mine.networks)} only."
    if theirs.allowed_per_minute > mine.allowed_per_minute:
        said = f"Your own key is allowed {mine.allowed_per_minute:,} requests a minute."
        fields["requests_per_minute"] = said
    return fields


def ends_later(one: datetime | None, other: datetime | None) -> bool:
    """None never ends."""
    return other is not None and (one is None or one > other)


def has_other_networks(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """Whether some of `inner` is not in `outer`. No networks at all are all there are."""
    inner, around = list(inner), [network(text) for text in outer]
    if not around:
        return False
    return not inner or not all(any(within(network(i), o) for o in around) for i in inner)


def refuse_privilege_escalation(actor: object, key: ApiKey) -> None:
    """Raises `TooFar` when the actor is a key that reaches less far than `key`. People may."""
    fields = excess_privileges(actor, key) if isinstance(actor, ApiKey) else {}
    if fields:
        raise PrivilegeEscalation(fields)
