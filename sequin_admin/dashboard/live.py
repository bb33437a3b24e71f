"""Parts of pages that stay up to date: one poll a page, answered by `views/badges.py`.

A part has a name, a function that loads those of its name that a page shows, and a template whose
root element has an id and `{{ live.attributes }}`. `{% live_part %}` puts it into a page.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sequin_admin.dashboard.access import Request

# How many parts one poll may ask for.
MAX_PARTS = 100
TOKEN_CHARS = 10


@dataclass(frozen=True)
class Current:
    """A part as it is now. `key` tells those of one name apart.

    It is sent again when `state` or `details` has changed, and fades in when `state` has.
    `pending`: it may still change. `soon`: within seconds, so the page asks more often.
    """

    name: str
    key: str
    state: object
    details: object = None
    context: dict[str, Any] = field(default_factory=dict)
    pending: bool = True
    soon: bool = False
    is_swapped: bool = False

    @cached_property
    def token(self) -> str:
        """Digests of the state and of the details."""
        told = ((self.name, self.key, self.state), (self.key, self.details))
        return ".".join(sha256(repr(each).encode()).hexdigest()[:TOKEN_CHARS] for each in told)

    @property
    def attributes(self) -> SafeString:
        """What makes the root element of the template one that is kept up to date."""
        return format_html(
            'data-live="{}={}" data-state="{}"{}{}',
            *(self.name, self.key, self.token),
            SafeString(" data-soon" if self.soon else ""),
            SafeString(' hx-swap-oob="true"' if self.is_swapped else ""),
        )

    def render(self, request: Request) -> SafeString:
        context = {**self.context, "live": self}
        return render_to_string(registered[self.name].template, context, request=request)


Load = Callable[[Request, Sequence[str]], Iterable[Current]]


@dataclass(frozen=True)
class Part:
    """How parts of one name are loaded, by their keys, and drawn."""

    template: str
    load: Load


registered: dict[str, Part] = {}


def register(name: str, template: str) -> Callable[[Load], Load]:
    """Decorator of the function that loads the parts of this name for the organization of the
    request, with the same few queries for all keys. Unknown keys are left out."""

    def decorate(load: Load) -> Load:
        registered[name] = Part(template, load)
        return load

    return decorate


def load_asked(request: Request) -> list[Current]:
    """The parts that the query names, such as `?credential=...&front=...`."""
    left, found = MAX_PARTS, list[Current]()
    for name in request.GET:
        keys = request.GET.getlist(name)[:left]
        if name in registered and keys:
            found += registered[name].load(request, keys)
            left -= len(keys)
    return found


def render_changed(request: Request, parts: Iterable[Current], known: set[str]) -> str:
    """Those whose tokens are not `known`, to be swapped out of band."""
    changed = (part for part in parts if part.token not in known)
    return "\n".join(replace(part, is_swapped=True).render(request) for part in changed)
