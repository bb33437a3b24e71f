"""Creates, updates and deletes rows as calls of a provider's API do."""

from typing import Any

from sequin_admin.simulator.models import FIRST_WRITTEN, RowWrite, SimulatedAccount
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.wheel import ChangeKind


def create_row(
    account: SimulatedAccount, collection: RowCollection, fields: dict[str, Any]
) -> LivingRow:
    created = account.row_writes.filter(collection=collection.name, kind=ChangeKind.CREATE)
    number = FIRST_WRITTEN + created.count()
    return _write(account, collection, number, ChangeKind.CREATE, fields)


def update_row(
    account: SimulatedAccount, collection: RowCollection, row: LivingRow, fields: dict[str, Any]
) -> LivingRow:
    return _write(account, collection, row.number, ChangeKind.UPDATE, fields)


def delete_row(account: SimulatedAccount, collection: RowCollection, row: LivingRow) -> LivingRow:
    return _write(account, collection, row.number, ChangeKind.DELETE, {})


def _write(
    account: SimulatedAccount,
    collection: RowCollection,
    number: int,
    kind: ChangeKind,
    fields: dict[str, Any],
) -> LivingRow:
    """The row as it is after the call."""
    at_ms = LivingRows(account, collection).at_ms
    RowWrite.objects.create(
        account=account,
        collection=collection.name,
        number=number,
        at_ms=at_ms,
        kind=kind,
        fields=fields,
    )
    row = LivingRows(account, collection, at_ms).get(number)
    if row is None:
        raise ValueError(f"{collection.name} has no row {number} to {kind}.")
    return row
