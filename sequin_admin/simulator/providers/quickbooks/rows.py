"""The simulated QuickBooks' customers, invoices, payments and bills."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.quickbooks.common import provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, to_datetime
from sequin_admin.simulator.rows.draws import Draw
from sequin_admin.simulator.rows.ids import PlainIds, plain_id_of, plain_number_of

# What another wrote in between is told by this number, which an update must name.
SYNC_TOKEN = "SyncToken"


def moment(at_ms: int) -> str:
    return to_datetime(at_ms // 1000 * 1000).isoformat()


def customer_fields(draw: Draw) -> dict[str, Any]:
    first, last, email = draw.person()
    return {
        "DisplayName": f"{first} {last} {draw.number}",
        "GivenName": first,
        "FamilyName": last,
        "PrimaryEmailAddr": {"Address": email},
        "Balance": float(draw.between(0, 5000, changing=True)),
        "Active": True,
    }


def transaction_fields(draw: Draw) -> dict[str, Any]:
    amount = float(draw.between(5, 9000, changing=True))
    day = f"2026-{draw.between(1, 12):02d}-{draw.between(1, 28):02d}"
    return {"DocNumber": str(1000 + draw.number), "TxnDate": day, "TotalAmt": amount}


def add_collection(name: str, fields: Callable[[Draw], dict[str, Any]], *, deletes: bool) -> None:
    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        times = {"CreateTime": moment(row.created_ms), "LastUpdatedTime": moment(row.updated_ms)}
        known = {"domain": "QBO", "Id": PlainIds.id_of(row.number)}
        if row.deleted_ms is not None:
            del times["CreateTime"]
            return {**known, "status": "Deleted", "MetaData": times}
        token = str(row.updated_ms - row.created_ms)
        return {**known, "sparse": False, SYNC_TOKEN: token, "MetaData": times, **row.fields}

    provider.add_collection(
        RowCollection(
            name,
            fields,
            render,
            plain_id_of,
            plain_number_of,
            grain_ms=1000,
            deletes=deletes,
        )
    )


# Customers are made inactive, never deleted.
add_collection("Customer", customer_fields, deletes=False)
for transaction in ("Invoice", "Payment", "Bill"):
    add_collection(transaction, transaction_fields, deletes=True)
