"""The simulated Shopify's rows as GraphQL shows and takes them."""

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.shopify.common import provider
from sequin_admin.simulator.rows.collection import Fields, LivingRow

# GraphQL's names of what REST names otherwise.
NAMES = {
    "descriptionHtml": "body_html",
    "productType": "product_type",
    "firstName": "first_name",
    "lastName": "last_name",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "legacyResourceId": "id",
    "id": "admin_graphql_api_id",
}
FULFILLMENTS = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}


def node_of(account: SimulatedAccount, name: str, row: LivingRow) -> Fields:
    """A product, an order or a customer."""
    known = provider.collections[name].render(account, row)
    renamed = {ours: known[theirs] for ours, theirs in NAMES.items() if theirs in known}
    same = {n: v for n, v in known.items() if n not in NAMES.values()}
    kind = name[:-1].capitalize()
    shown = {**same, **renamed, "legacyResourceId": str(known["id"]), "__typename": kind}
    return {**shown, **MORE[name](known)}


def of_product(known: Fields) -> Fields:
    handle = str(known.get("title") or "").lower().replace(" ", "-")
    tags = [tag for tag in str(known["tags"]).split(", ") if tag]
    return {"handle": handle, "tags": tags, "status": str(known["status"]).upper()}


def of_order(known: Fields) -> Fields:
    money = {"amount": known["total_price"], "currencyCode": known["currency"]}
    return {
        "currencyCode": known["currency"],
        "totalPriceSet": {"presentmentMoney": money, "shopMoney": money},
        "displayFinancialStatus": str(known["financial_status"]).upper(),
        "displayFulfillmentStatus": FULFILLMENTS[known["fulfillment_status"]],
        "processedAt": known["created_at"],
    }


def of_customer(known: Fields) -> Fields:
    name = f"{known['first_name'] or ''} {known['last_name'] or ''}".strip()
    return {"displayName": name or known["email"], "numberOfOrders": str(known["orders_count"])}


MORE = {"products": of_product, "orders": of_order, "customers": of_customer}


def fields_of(given: Fields) -> Fields:
    """An input as the fields of a row."""
    fields = {NAMES.get(n, n): v for n, v in given.items() if n != "id"}
    if "tags" in fields:
        fields["tags"] = ", ".join(fields["tags"])
    if "status" in fields:
        fields["status"] = fields["status"].lower()
    return fields
