"""The twelve invented customers, and which of them has which account."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sequin_admin.credentials import kinds

EACH = 3
# What the story and the tour need.
FEATURED = ("hubspot_oauth2", "linear_oauth2", "stripe_key")
# Access that ends, renewed or not, or that ends when nobody renews for so long: connected later.
CONNECTED_WITHIN_DAYS = {"netsuite_oauth2": 2, "salesforce_oauth2": 24, "airtable_oauth2": 50}


@dataclass(frozen=True)
class Customer:
    """`number` counts from 1, in the order in which they came."""

    number: int
    name: str
    plan: str
    region: str

    @property
    def slug(self) -> str:
        return re.sub(r"\W+", "-", self.name.lower())

    @property
    def short(self) -> str:
        """The slug without hyphens, for providers that allow none."""
        return self.slug.replace("-", "")

    @property
    def contact(self) -> str:
        """An address of a domain that can never be registered."""
        return f"ops@{self.slug}.example"

    @property
    def metadata(self) -> dict[str, str]:
        return {
            "customer": f"c-{self.number:03}",
            "company": self.name,
            "plan": self.plan,
            "region": self.region,
        }


CUSTOMERS = tuple(
    Customer(number, *row)
    for number, row in enumerate(
        (
            ("Caladan Coffee", "enterprise", "eu"),
            ("Guild Logistics", "enterprise", "us"),
            ("Ix Robotics", "growth", "us"),
            ("Fremen Outdoor", "growth", "eu"),
            ("Kaitain Travel", "enterprise", "eu"),
            ("Sietch Homes", "starter", "us"),
            ("Bene Books", "growth", "uk"),
            ("Ecaz Art", "starter", "eu"),
            ("Richese Optics", "growth", "us"),
            ("Salusa Fitness", "starter", "us"),
            ("Tleilax Bio", "enterprise", "us"),
            ("Lankiveil Foods", "growth", "eu"),
        ),
        1,
    )
)


@dataclass(frozen=True)
class Place:
    """A customer's account of one kind, connected `age_days` ago."""

    customer: Customer
    kind: str
    age_days: float


def places(count: int, days: int) -> list[Place]:
    """The first `count` of three accounts of each kind, five for each customer; the oldest first.

    The first customer came `days` ago, the last one after two thirds of them.
    """
    slugs = sorted((kind.slug for kind in kinds.all()), key=lambda slug: slug not in FEATURED)
    chosen = islice(list_accounts(slugs), count)
    placed = [Place(customer, slug, age_of(customer, slug, days)) for slug, customer in chosen]
    return sorted(placed, key=lambda place: -place.age_days)


def list_accounts(slugs: list[str]) -> Iterator[tuple[str, Customer]]:
    """All accounts of the featured kinds, then one of each other kind, by turns."""
    turns = [(turn, slug) for turn in range(EACH) for slug in slugs]
    for turn, slug in sorted(turns, key=lambda pair: pair[1] not in FEATURED):
        yield slug, CUSTOMERS[(slugs.index(slug) * EACH + turn) % len(CUSTOMERS)]


def age_of(customer: Customer, slug: str, days: int) -> float:
    """When the account was connected: those of a customer one after the other."""
    came = days * (1 - customer.number / len(CUSTOMERS) * 2 / 3)
    within = min(came, CONNECTED_WITHIN_DAYS.get(slug, days))
    return within * (1 - sum(map(ord, slug)) % 97 / 1000)
