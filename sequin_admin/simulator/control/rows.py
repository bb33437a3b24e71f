"""The hearts of accounts, how many rows they have, and the oracle: what existed at a moment."""

import math
from typing import Any

from django.db import transaction

from sequin_admin.simulator.control import ControlError
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import SimulatedAccount, now
from sequin_admin.simulator.rows.collection import (
    LivingRow,
    RowCollection,
    iso_millis,
    parse_time,
    to_ms,
)
from sequin_admin.simulator.rows.living import MOST_ROWS, LivingRows

MOST_PER_HOUR = 100_000
PAGE = 10_000


@transaction.atomic
def set_heart(provider: ProviderSimulator, account: SimulatedAccount, per_hour: object) -> None:
    """From now on each collection of the account changes so many times an hour."""
    require_living(provider)
    number = per_hour if isinstance(per_hour, int | float) else math.nan
    if isinstance(per_hour, bool) or not 0 <= number <= MOST_PER_HOUR:
        raise ControlError(f"per_hour must be a number of changes from 0 to {MOST_PER_HOUR:,}.")
    account.refresh_from_db()
    at_ms = to_ms(now())
    earlier = [beat for beat in account.heart.get("beats", []) if beat[0] < at_ms]
    account.heart["beats"] = [*earlier, [at_ms, per_hour]]
    account.save(update_fields=["heart"])


@transaction.atomic
def set_count(
    provider: ProviderSimulator, account: SimulatedAccount, count: object, collection: str = ""
) -> None:
    """Begin again, now, with so many rows in a collection, or in all of them; what was written is
    gone."""
    require_living(provider)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_ROWS:
        raise ControlError(f"count must be a number of rows from 0 to {MOST_ROWS:,}.")
    names = (
        [get_collection(provider, collection).name] if collection else list(provider.collections)
    )
    account.refresh_from_db()
    begun = {name: [count, to_ms(now())] for name in names}
    account.heart["collections"] = {**account.heart.get("collections", {}), **begun}
    account.save(update_fields=["heart"])
    account.row_writes.filter(collection__in=names).delete()


def get_rate(account: SimulatedAccount) -> float:
    """Changes an hour now."""
    at_ms = to_ms(now())
    return next((r for ms, r in reversed(account.heart.get("beats", [])) if ms <= at_ms), 0)


def count_rows(provider: ProviderSimulator, account: SimulatedAccount) -> dict[str, int]:
    """How many rows each collection has now."""
    return {c.name: LivingRows(account, c).count() for c in provider.collections.values()}


def get_rows_at(
    provider: ProviderSimulator,
    account: SimulatedAccount,
    collection: str = "",
    at: str = "",
    after: str = "",
) -> dict[str, Any]:
    """A page of what a collection held at a moment, by default now: living rows in order of their
    creation, and with the first page the tombstones in order of their deletion.

    Raises `ControlError` for what is not a moment or a number.
    """
    living = get_collection(provider, collection or next(iter(provider.collections), ""))
    at_ms = parse_time(at) if at else None
    if at and at_ms is None:
        raise ControlError("at must be an ISO 8601 time, such as 2026-11-29T12:00:00Z.")
    if after and not (after.isascii() and after.isdigit()):
        raise ControlError("after must be the number of a row.")
    rows = LivingRows(account, living, at_ms)
    page: list[LivingRow] = []
    for row in rows.by_creation(rows.get(int(after)) if after else None):
        if len(page) == PAGE:
            break
        page.append(row)
    following = page[-1].number if len(page) == PAGE else None
    gone = [] if after else rows.tombstones()
    return {
        "collection": living.name,
        "at": iso_millis(rows.at_ms),
        "count": rows.count(),
        "rows": [row_json(account, living, row) for row in page],
        "tombstones": [row_json(account, living, row) for row in gone],
        "next": following,
    }


def row_json(account: SimulatedAccount, living: RowCollection, row: LivingRow) -> dict[str, Any]:
    return {
        "id": living.id_of(account, row.number),
        "number": row.number,
        "created_at": iso_millis(row.created_ms),
        "updated_at": iso_millis(row.updated_ms),
        "deleted_at": None if row.deleted_ms is None else iso_millis(row.deleted_ms),
        "row": living.render(account, row),
    }


def require_living(provider: ProviderSimulator) -> None:
    """Raises `ControlError` for a provider whose rows are fixed."""
    if not provider.collections:
        raise ControlError(f"The rows of {provider.title} are fixed: they do not change.")


def get_collection(provider: ProviderSimulator, name: str) -> RowCollection:
    """Raises `ControlError` when the provider has none of this name."""
    require_living(provider)
    if name not in provider.collections:
        raise ControlError(f"{provider.title} has no {name!r}: {', '.join(provider.collections)}")
    return provider.collections[name]
