"""The simulated Shopify's products, orders and customers."""

from collections.abc import Callable
from typing import Any

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.shopify.common import provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, iso_seconds
from sequin_admin.simulator.rows.draws import BRANCHES, SUBJECTS, Draw

FIRST_ID = 8_000_000_000


def id_of(account: SimulatedAccount, number: int) -> str:
    return str(FIRST_ID + number)


def number_of(account: SimulatedAccount, text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) < 16
    return int(text) - FIRST_ID if plain and int(text) >= FIRST_ID else None


def product_fields(draw: Draw) -> dict[str, Any]:
    title = f"{draw.pick(SUBJECTS).capitalize()} {draw.number}"
    price = f"{draw.between(1, 900, changing=True)}.00"
    return {
        "title": title,
        "body_html": f"<p>{title}</p>",
        "vendor": draw.company(),
        "product_type": draw.pick(BRANCHES),
        "status": draw.pick(("active", "active", "draft"), changing=True),
        "tags": "",
        "variants": [{"price": price, "sku": f"SKU-{draw.number}"}],
        "images": [],
        "options": [{"name": "Title", "position": 1, "values": ["Default Title"]}],
        "published_scope": "web",
        "template_suffix": None,
    }


def order_fields(draw: Draw) -> dict[str, Any]:
    _, _, email = draw.person()
    return {
        "name": f"#{1001 + draw.number}",
        "email": email,
        "total_price": f"{draw.between(5, 3000)}.00",
        "currency": "USD",
        "financial_status": draw.pick(("pending", "paid", "refunded"), changing=True),
        "fulfillment_status": draw.pick((None, "partial", "fulfilled"), changing=True),
        "note": None,
    }


def customer_fields(draw: Draw) -> dict[str, Any]:
    first, last, email = draw.person()
    names = {"first_name": first, "last_name": last, "email": email, "note": None}
    return {**names, "phone": draw.phone(), "orders_count": draw.between(0, 30, changing=True)}


def add_collection(name: str, fields: Callable[[Draw], dict[str, Any]]) -> None:
    kind = name[:-1].capitalize()

    def render(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
        row_id = FIRST_ID + row.number
        return {
            "id": row_id,
            "admin_graphql_api_id": f"gid://shopify/{kind}/{row_id}",
            **row.fields,
            "created_at": iso_seconds(row.created_ms),
            "updated_at": iso_seconds(row.updated_ms),
        }

    provider.add_collection(RowCollection(name, fields, render, id_of, number_of, grain_ms=1000))


add_collection("products", product_fields)
add_collection("orders", order_fields)
add_collection("customers", customer_fields)
