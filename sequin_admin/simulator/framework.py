"""A simulated provider: its hosts, routes, and actions on the control page."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import providers as package
from sequin_admin.simulator.rows.collection import RowCollection
from sequin_admin.simulator.webhooks.formats import WebhookFormat

Handler = Callable[..., HttpResponse]
# Times are written as Django does.
PLAIN = orjson.OPT_PASSTHROUGH_DATETIME


class SimulatedResponse(Exception):
    """Ends a handler early with a response."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True)
class Route:
    """A request that a provider answers: its method, and patterns of its host and path."""

    method: str
    host: re.Pattern[str]
    path: re.Pattern[str]
    handler: Handler


@dataclass
class ProviderSimulator:
    """One simulated provider.

    `throttled` makes its response to too many calls. `switches` are the actions of its control
    page beyond the common ones, `unsupported_actions` the common ones it lacks. `secret_prefix`
    starts a rotated client secret. `calls_back`: it has a consent page and redirects to the app.
    `collections` have rows that live, and `webhooks` tell of their changes.
    """

    slug: str
    title: str
    scopes: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    unsupported_actions: tuple[str, ...] = ()
    secret_prefix: str = "simulated-"
    calls_back: bool = True
    seed: Callable[[], None] = lambda: None
    throttled: Callable[[], HttpResponse] = lambda: JsonResponse({"error": "throttled"}, status=429)
    routes: list[Route] = field(default_factory=list)
    collections: dict[str, RowCollection] = field(default_factory=dict)
    webhooks: WebhookFormat | None = None

    def add_collection(self, collection: RowCollection) -> RowCollection:
        self.collections[collection.name] = collection
        return collection

    def route(self, method: str, host: str, path: str) -> Callable[[Handler], Handler]:
        """Register a handler. `host` and `path` are regular expressions with named groups."""

        def register(handler: Handler) -> Handler:
            route = Route(method, re.compile(host), re.compile(path), handler)
            self.routes.append(route)
            return handler

        return register


@cache
def all_providers() -> dict[str, ProviderSimulator]:
    """Every provider by slug: one for each module of `simulator.providers`."""
    modules = [
        import_module(f"{package.__name__}.{m.name}") for m in iter_modules(package.__path__)
    ]
    return {module.provider.slug: module.provider for module in modules}


def find_route(
    method: str, host: str, path: str
) -> tuple[ProviderSimulator, Handler, dict[str, Any]] | None:
    """The handler of a call, and the named groups of its host and path."""
    for provider, route, of_host in routes_of(host):
        to = route.path.fullmatch(path)
        if to and method in route.method.split():
            return provider, route.handler, {**of_host, **to.groupdict()}
    return None


@lru_cache(maxsize=1000)
def routes_of(host: str) -> list[tuple[ProviderSimulator, Route, dict[str, Any]]]:
    """The routes of a host, each with its provider and the named groups of the host."""
    return [
        (provider, route, found.groupdict())
        for provider in all_providers().values()
        for route in provider.routes
        if (found := route.host.fullmatch(host))
    ]


def knows_host(host: str) -> bool:
    return bool(routes_of(host))


def json_page(body: object) -> HttpResponse:
    """A page of rows as JSON, without blanks, in a fifth of the time of `JsonResponse`, which makes
    what orjson does not: numbers above 64 bits, and halves of surrogates."""
    try:
        return HttpResponse(orjson.dumps(body, option=PLAIN), content_type="application/json")
    except TypeError:
        return JsonResponse(body, safe=False)


def whole_number(text: object, usual: int, most: int = 10**9) -> int:
    """The number of a page, a size or a place in a list, `most` at most. What is none, or is not
    above 0, counts as the usual one."""
    known = str(text)
    if not (known.isascii() and known.isdigit() and int(known[:20])):
        return usual
    return min(int(known[:20]), most)


def bearer_token(request: HttpRequest) -> str:
    """The token of an `Authorization: Bearer` header (RFC 6750 section 2.1), or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def basic_credentials(request: HttpRequest) -> tuple[str, str]:
    """Id and secret of HTTP Basic (RFC 7617), or two empty strings."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        left, _, right = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return "", ""
    return left, right
