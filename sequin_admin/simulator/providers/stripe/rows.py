"""The simulated Stripe's customers and charges."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.stripe.common import provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection
from sequin_admin.simulator.rows.draws import PLACES, Draw
from sequin_admin.simulator.rows.ids import TaggedIds

Render = Callable[[SimulatedAccount, LivingRow], dict[str, Any]]


def customer_fields(draw: Draw) -> dict[str, Any]:
    first, last, email = draw.person()
    city, state = draw.pick(PLACES)
    return {
        "name": f"{first} {last}",
        "email": email,
        "phone": draw.phone(),
        "description": None,
        "balance": -100 * draw.between(0, 50, changing=True),
        "address": {
            "city": city,
            "country": "US",
            "line1": None,
            "line2": None,
            "postal_code": None,
            "state": state,
        },
        "metadata": {},
    }


def charge_fields(draw: Draw) -> dict[str, Any]:
    amount = 100 * draw.between(5, 2000)
    refunded = draw.pick((0, 0, 0, amount), changing=True)
    return {
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": refunded,
        "refunded": refunded == amount,
        "captured": True,
        "paid": True,
        "currency": draw.pick(("usd", "eur")),
        "description": draw.matter(),
        "status": "succeeded",
        "metadata": {},
    }


def renderer(kind: str, ids: TaggedIds) -> Render:
    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        known = {"id": ids.id_of(account, row.number), "object": kind}
        return {**known, "created": row.created_ms // 1000, "livemode": False, **row.fields}

    return render


def add_collection(
    name: str, kind: str, prefix: str, fields: Callable[[Draw], dict[str, Any]], *, deletes: bool
) -> RowCollection:
    ids = TaggedIds(prefix)
    return provider.add_collection(
        RowCollection(
            name,
            fields,
            renderer(kind, ids),
            ids.id_of,
            ids.number_of,
            grain_ms=1000,
            deletes=deletes,
        )
    )


CUSTOMERS = add_collection("customers", "customer", "cus_", customer_fields, deletes=True)
# A charge stays for ever.
CHARGES = add_collection("charges", "charge", "ch_", charge_fields, deletes=False)
