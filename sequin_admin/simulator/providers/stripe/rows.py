"""The simulated Stripe's customers and charges."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.stripe.common import provider
from sequin_admin.simulator.rows.collection import Fields, LivingRow, RowCollection
from sequin_admin.simulator.rows.draws import PLACES, Draw
from sequin_admin.simulator.rows.ids import TaggedIds

Render = Callable[[SimulatedAccount, LivingRow], dict[str, Any]]


ALWAYS_OF_CUSTOMERS: Fields = {
    **dict.fromkeys(("default_source", "shipping")),
    "invoice_settings": dict.fromkeys(
        ("custom_fields", "default_payment_method", "footer", "rendering_options")
    ),
    **dict.fromkeys(("currency", "discount", "test_clock")),
    "delinquent": False,
    "invoice_prefix": None,
    "preferred_locales": [],
    "tax_exempt": "none",
}
ALWAYS_OF_CHARGES: Fields = {
    **dict.fromkeys(("application", "application_fee", "application_fee_amount")),
    **dict.fromkeys(("balance_transaction", "calculated_statement_descriptor", "customer")),
    "billing_details": dict.fromkeys(("address", "email", "name", "phone", "tax_id")),
    "disputed": False,
    **dict.fromkeys(("failure_balance_transaction", "failure_code", "failure_message")),
    "fraud_details": {},
    **dict.fromkeys(("on_behalf_of", "outcome", "payment_intent", "payment_method")),
    **dict.fromkeys(("payment_method_details", "receipt_email", "receipt_number")),
    **dict.fromkeys(("receipt_url", "review", "shipping", "source", "source_transfer")),
    **dict.fromkeys(("statement_descriptor", "statement_descriptor_suffix")),
    **dict.fromkeys(("transfer_data", "transfer_group")),
}


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


def renderer(kind: str, ids: TaggedIds, always: dict[str, Any]) -> Render:
    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        known = {"id": ids.id_of(account, row.number), "object": kind, **always}
        return {**known, "created": row.created_ms // 1000, "livemode": False, **row.fields}

    return render


def add_collection(
    name: str,
    fields: Callable[[Draw], dict[str, Any]],
    ids: TaggedIds,
    always: dict[str, Any],
    *,
    deletes: bool,
) -> RowCollection:
    """`name` is the plural of the kind of its objects; `always` is the same in all of them."""
    return provider.add_collection(
        RowCollection(
            name,
            fields,
            renderer(name.removesuffix("s"), ids, always),
            ids.id_of,
            ids.number_of,
            grain_ms=1000,
            deletes=deletes,
        )
    )


CUSTOMERS = add_collection(
    "customers", customer_fields, TaggedIds("cus_"), ALWAYS_OF_CUSTOMERS, deletes=True
)
# A charge stays for ever.
CHARGES = add_collection(
    "charges", charge_fields, TaggedIds("ch_"), ALWAYS_OF_CHARGES, deletes=False
)
