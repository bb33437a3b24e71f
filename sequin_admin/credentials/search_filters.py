"""The filters of a search that credentials and OAuth apps have: `provider:stripe`, `status:us`."""

from collections.abc import Mapping

from django.db.models import Q

from sequin_admin.core.search_language import Filter, InvalidFilter, Term, by_choice
from sequin_admin.credentials import registry
from sequin_admin.credentials.provider_changes import KindChange, list_changes

# The words of a status in a search, and the statuses as they are stored.
STATUSES: Mapping[str, str] = {
    "healthy": "healthy",
    "customer": "customer_intervention",
    "us": "sequin_intervention",
    "unchecked": "",
}


def by_status(*, can_be_disabled: bool = False) -> Filter:
    """The status as pages show it: what is disabled has no other."""
    shown = Q(disabled_at=None) if can_be_disabled else Q()
    values = {word: Q(health_status=stored) & shown for word, stored in STATUSES.items()}
    stored = {name: values[word] for word, name in STATUSES.items() if name}
    disabled = {"disabled": Q(disabled_at__isnull=False)} if can_be_disabled else {}
    return by_choice({**values, **disabled}, stored)


def by_provider(term: Term) -> Q:
    """Rows with a column of that name."""
    return Q(provider=provider_of(term))


def by_provider_of_kind(term: Term) -> Q:
    provider = provider_of(term)
    slugs = [slug for slug, kind in registry.registered.items() if kind.provider == provider]
    return Q(kind__in=sorted(slugs))


def by_kind(term: Term) -> Q:
    """Raises `InvalidFilter`."""
    slug = term.value.casefold()
    if slug not in registry.registered:
        raise InvalidFilter(term, f"There is no kind {term.value}.")
    return Q(kind=slug)


def provider_of(term: Term) -> str:
    """By its slug or its title. Raises `InvalidFilter`."""
    wanted = term.value.casefold()
    for kind in registry.registered.values():
        if wanted in (kind.provider, kind.provider_title.casefold()):
            return str(kind.provider)
    raise InvalidFilter(term, f"There is no provider {term.value}.")


def by_change_of_kind(term: Term) -> Q:
    """Credentials that a dated change of their provider touches. Raises `InvalidFilter`."""
    found = change_of(term)
    return Q(kind=found.kind) & found.change.credentials


def by_change(term: Term) -> Q:
    """OAuth apps that a dated change of their provider touches. Raises `InvalidFilter`."""
    found = change_of(term)
    return Q(provider=found.provider) & found.change.apps


def change_of(term: Term) -> KindChange:
    """Raises `InvalidFilter` for an unknown change."""
    known = list_changes()
    found = next((each for each in known if each.change.slug == term.value.casefold()), None)
    if found is None:
        slugs = ", ".join(each.change.slug for each in known)
        raise InvalidFilter(term, f"change is one of {slugs}.")
    return found
