"""Dated changes at the providers, which a kind declares beside itself, and what they touch.

A fact stands as far as its source says it: with a day, with a release that has no published day,
or as a rule about each access. Nothing here is guessed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from django.db.models import Q

from sequin_admin.credentials import registry

# A fact that was looked up longer ago is named by `make check`.
FRESH_FOR = timedelta(days=180)
# No row: the change asks nothing of what is connected here.
NOTHING = Q(pk__in=())


class Certainty(StrEnum):
    """How well a fact is known; the value is how people read it."""

    PUBLISHED = "published"
    ONE_PAGE = "one page only"
    TENTATIVE = "tentative"


@dataclass(frozen=True)
class ProviderChange:
    """What changes at a provider. `slug` never changes: notices remember it.

    `on` is None where no day is published; then `when` says what is. `since` is true for what is in
    effect already. `credentials` selects those of the kind that it touches, `apps` the provider's
    OAuth apps. `checked_on` is when `source` was read last.
    """

    slug: str
    title: str
    what: str
    to_do: str
    source: str
    checked_on: date
    on: date | None = None
    when: str = ""
    certainty: Certainty = Certainty.PUBLISHED
    credentials: Q = NOTHING
    apps: Q = NOTHING

    def __post_init__(self) -> None:
        if not (self.on or self.when):
            raise ValueError(f"{self.slug} says neither a day nor when it comes.")

    @property
    def day(self) -> str:
        """1 Jan 2027, or what is published in place of a day."""
        return f"{self.on:%-d %b %Y}" if self.on else self.when

    @property
    def read_on(self) -> str:
        return f"{self.checked_on:%-d %b %Y}"

    def days_left(self, today: date) -> int | None:
        """Days until it comes, negative once it has; None without a day."""
        return (self.on - today).days if self.on else None

    def is_stale(self, today: date) -> bool:
        """Whether its source should be read again."""
        return today - self.checked_on > FRESH_FOR


@dataclass(frozen=True)
class KindChange:
    """A change, with the kind that declares it."""

    change: ProviderChange
    kind: str
    provider: str
    provider_title: str


def list_changes() -> list[KindChange]:
    """The changes of all kinds: those with a day first, the next one first."""
    found = [
        KindChange(change, slug, kind.provider, kind.provider_title)
        for slug, kind in sorted(registry.registered.items())
        for change in kind.changes
    ]
    return sorted(found, key=lambda each: (each.change.on or date.max, each.change.slug))


def stale_facts(today: date) -> Iterator[str]:
    """A sentence for each fact whose source was read too long ago."""
    for each in list_changes():
        change = each.change
        if change.is_stale(today):
            days = (today - change.checked_on).days
            yield (
                f"{each.kind}: {change.slug} was checked {days} days ago, on "
                f"{change.checked_on}. Read its source again and set checked_on: {change.source}"
            )
