"""The twelve invented customers, and which of them has which account."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sequin_admin.credentials import kinds

EACH = 3
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
    slugs = [kind.slug for kind in kinds.all()]
    return sorted(islice(_places(slugs, days), count), key=lambda place: -place.age_days)


def _places(slugs: list[str], days: int) -> Iterator[Place]:
    for turn in range(EACH):
        for number, slug in enumerate(slugs):
            customer = CUSTOMERS[(number * EACH + turn) % len(CUSTOMERS)]
            came = days * (1 - customer.number / len(CUSTOMERS) * 2 / 3)
            within = CONNECTED_WITHIN_DAYS.get(slug, days)
            # An hour after the other of the same customer, so that none are at the same time.
            yield Place(customer, slug, min(came, within) - turn / 24 - number / 480)
