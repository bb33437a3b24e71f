"""The sidebar's links, the breadcrumbs, and the areas that keys lead to."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.db.models import Model
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from django.utils.safestring import SafeString

from sequin_admin.access.identity_providers import IdentityProvider
from sequin_admin.core.words import describe_browser
from sequin_admin.dashboard.account_events import provider_name
from sequin_admin.dashboard.areas import AREAS, GROUPS, PAGES, named_page
from sequin_admin.dashboard.front import Front
from sequin_admin.health import cause_words
from sequin_admin.health.models import Cause

register = template.Library()
register.filter("browser", describe_browser)
register.filter("provider_name", provider_name)

# Pages whose URL does not begin with that of the page above: start, and name of that one.
ELSEWHERE = (
    ("/limits/", "dashboard:credentials"),
    ("/providers/", "dashboard:overview"),
    ("/causes/", "dashboard:incidents"),
    ("/batches/", "dashboard:connect_links"),
    ("/accounts/", "mfa_index"),
)


@dataclass(frozen=True)
class Crumb:
    """A page above the current one."""

    title: str
    url: str


@register.simple_tag
def sign_on_providers() -> dict[str, IdentityProvider]:
    """The OpenID providers of this server, by slug."""
    providers: dict[str, IdentityProvider] = settings.OIDC_PROVIDERS
    return providers


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> SafeString:
    """The areas that the role may open, by group. The one we are in is marked."""
    path = context["request"].path
    return draw_navigation(allowed(context), find_area(path), context["user"].is_staff)


@register.simple_tag(takes_context=True)
def shortcuts(context: Context) -> SafeString:
    """The help of the keys, and the dialog with the page's actions."""
    return draw_shortcuts(allowed(context), getattr(context["user"], "single_keys", True))


def allowed(context: Context) -> frozenset[str]:
    """The actions that the role allows."""
    return frozenset(action for action, may in context["can"].items() if may)


def find_area(path: str) -> str:
    """The name of the area that the page is in; "" for none."""
    if path == "/":
        return AREAS[0].name
    return next((area.name for area in AREAS[1:] if path.startswith(area.url)), "")


@cache
def draw_navigation(allowed: frozenset[str], here: str, is_staff: bool) -> SafeString:
    groups = [
        (group.title, [area for area in group.areas if area.action in allowed]) for group in GROUPS
    ]
    shown = {"groups": groups, "here": here, "is_staff": is_staff}
    return render_to_string("components/navigation.html", shown)


@cache
def draw_shortcuts(allowed: frozenset[str], single_keys: bool) -> SafeString:
    areas = [area for area in AREAS if area.action in allowed]
    shown = {"areas": areas, "single_keys": single_keys}
    return render_to_string("components/shortcuts.html", shown)


@register.inclusion_tag("components/breadcrumbs.html", takes_context=True)
def breadcrumbs(context: Context) -> dict[str, Any]:
    """The pages above this one: those whose URL the path begins with."""
    return {"crumbs": list(find_crumbs(context, context["request"].path))}


def find_crumbs(context: Context, path: str) -> Iterator[Crumb]:
    known: list[object] = list(context.flatten().values())
    # Not a row that is a part of another, such as a rate limit, and has its id.
    rows = (r for r in known if isinstance(r, Model) and r._meta.pk.remote_field is None)
    named = {str(row.pk): row for row in rows}
    if path.startswith("/health/"):
        # It lies beside the page of what it is about.
        _, _, entity, pk, _ = path.split("/")
        path = f"{reverse(f'dashboard:{entity}', args=[pk])}health/"
    above = next((named_page(name) for start, name in ELSEWHERE if path.startswith(start)), None)
    if above and path != above.url:
        yield Crumb(above.title, above.url)
    front = context.get("front")
    parts = [part for part in path.split("/") if part]
    for number, part in enumerate(parts[:-1], 1):
        url = f"/{'/'.join(parts[:number])}/"
        named_so = name_of(named[part]) if part in named else ""
        title = title_at(url) or named_so
        shown = (above and above.url, front.url if isinstance(front, Front) else "")
        if title and is_page(url) and url not in shown:
            yield Crumb(title, url)


def name_of(row: Model) -> str:
    """As the page of the row is called: the name of a cause is that of its first incident."""
    if isinstance(row, Cause):
        return cause_words.headline(row)
    return str(getattr(row, "name", "") or row)


def title_at(url: str) -> str:
    return next((page.title for page in PAGES if page.url == url), "")


def is_page(url: str) -> bool:
    try:
        return bool(resolve(url))
    except Resolver404:
        return False
