"""What went wrong in the demo's past. Pure, and the same each time for the same rows, so that a
history which was cut off goes on as it would have."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

# How likely it is that a customer takes access back, a day and account.
SHARE = 0.035
# Nothing of the past reaches into the present: it ends so long before.
CLEAR_OF_NOW = timedelta(hours=8)
DAY = timedelta(days=1)
# Of the whole time, when our OAuth app of that provider was refused, and for how long.
APP_FAULTS = (("hubspot", 0.31, 3.5), ("salesforce", 0.87, 1.25), ("shopify", 0.62, 0.75))
# When a provider was down, and for how many hours.
OUTAGE = ("hubspot", 0.44, 1.2)


@dataclass(frozen=True)
class Episode:
    """A row's trouble from one time to another."""

    row_id: UUID
    begins: datetime
    ends: datetime


def customer_episodes(
    rows: Iterable[tuple[UUID, datetime]], day: int, start: datetime, until: datetime
) -> Iterator[Episode]:
    """Episodes of accounts that begin on a day. `rows` are ids, and when each was connected.

    Each account has its turn every other day, so that one is over when the next begins.
    """
    for pk, connected_at in rows:
        chance = Random(f"{pk}:{day}")  # noqa: S311 - not a secret
        begins = start + DAY * chance.random()
        ends = begins + timedelta(hours=1.5 + 20 * chance.random() ** 2)
        has_turn = (pk.int + day) % 2 == 0 and chance.random() < 2 * SHARE
        if has_turn and connected_at < begins - DAY / 8 and ends < until - CLEAR_OF_NOW:
            yield Episode(pk, begins, ends)


def app_episodes(
    apps: Sequence[tuple[UUID, str]], day: int, days: int, start: datetime, until: datetime
) -> Iterator[Episode]:
    """Episodes of OAuth apps (their ids and providers) that begin on a day."""
    for pk, provider in apps:
        for name, share, hours in APP_FAULTS:
            begins = start + DAY / 2
            ends = begins + timedelta(hours=hours)
            if name == provider and int(share * days) == day and ends < until - CLEAR_OF_NOW:
                yield Episode(pk, begins, ends)


def outage_on(day: int, days: int, start: datetime) -> tuple[str, datetime, datetime] | None:
    """The provider that was down on that day, from when and until when."""
    provider, share, hours = OUTAGE
    begins = start + DAY / 4
    return (provider, begins, begins + timedelta(hours=hours)) if int(share * days) == day else None


def calls_in_hour(pk: UUID, at: datetime, most: int) -> int:
    """How many calls an account's sync made in an hour: by day more than by night, and fewer on
    Saturdays and Sundays."""
    chance = Random(f"{pk}:{at:%Y%m%d%H}")  # noqa: S311 - not a secret
    size = Random(str(pk)).uniform(0.02, 0.3)  # noqa: S311
    by_day = 1 if 7 <= at.hour < 19 else 0.35
    by_week = 0.4 if at.weekday() >= 5 else 1
    return round(most * size * by_day * by_week * chance.uniform(0.6, 1.3))
