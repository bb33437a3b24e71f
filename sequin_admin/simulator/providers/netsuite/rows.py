"""The simulated NetSuite's customers, sales orders and items."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.netsuite.common import provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, to_datetime
from sequin_admin.simulator.rows.draws import SUBJECTS, Draw
from sequin_admin.simulator.rows.ids import PlainIds, plain_id_of, plain_number_of

# Each collection's record type of the REST services, and its table of SuiteQL.
TABLES = {"customer": "customer", "salesOrder": "transaction", "inventoryItem": "item"}


def moment(at_ms: int) -> str:
    """As a query with `TO_CHAR(..., 'YYYY-MM-DD HH24:MI:SS')` tells it."""
    return f"{to_datetime(at_ms):%Y-%m-%d %H:%M:%S}"


def customer_fields(draw: Draw) -> dict[str, Any]:
    _, _, email = draw.person()
    known = {"companyname": draw.company(), "email": email, "phone": draw.phone()}
    return {**known, "entityid": f"CUST{draw.number}", "isinactive": "F"}


def order_fields(draw: Draw) -> dict[str, Any]:
    status = draw.pick(("A", "B", "F", "H"), changing=True)
    total = f"{draw.between(5, 9000, changing=True)}.00"
    return {"tranid": f"SO{draw.number}", "type": "SalesOrd", "status": status, "total": total}


def item_fields(draw: Draw) -> dict[str, Any]:
    name = f"{draw.pick(SUBJECTS)} {draw.number}"
    return {
        "itemid": name,
        "itemtype": "InvtPart",
        "quantity": str(draw.between(0, 500, changing=True)),
    }


def add_collection(name: str, fields: Callable[[Draw], dict[str, Any]]) -> None:
    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        times = {"datecreated": moment(row.created_ms), "lastmodifieddate": moment(row.updated_ms)}
        return {"id": PlainIds.id_of(row.number), **row.fields, **times}

    provider.add_collection(
        RowCollection(
            name,
            fields,
            render,
            plain_id_of,
            plain_number_of,
            grain_ms=1000,
        )
    )


add_collection("customer", customer_fields)
add_collection("salesOrder", order_fields)
add_collection("inventoryItem", item_fields)
