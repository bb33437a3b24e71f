"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "customer",
        "id! name email phone currency balance:number delinquent:boolean created:timestamp",
    ),
    collection_schema(
        "product",
        "id! name description active:boolean created:timestamp updated:timestamp",
    ),
    collection_schema(
        "price",
        "id! product currency unit_amount:number type active:boolean created:timestamp",
    ),
    collection_schema(
        "subscription",
        "id! customer status currency cancel_at_period_end:boolean created:timestamp",
    ),
    collection_schema(
        "invoice",
        "id! customer subscription number status currency total:number created:timestamp",
    ),
    collection_schema(
        "payment_intent", "id! customer status currency amount:number created:timestamp"
    ),
    collection_schema(
        "charge",
        "id! customer payment_intent status currency amount:number created:timestamp",
    ),
    collection_schema("refund", "id! charge status currency amount:number created:timestamp"),
    collection_schema(
        "payout",
        "id! status currency amount:number arrival_date:timestamp created:timestamp",
    ),
    collection_schema(
        "dispute", "id! charge status reason currency amount:number created:timestamp"
    ),
    collection_schema(
        "balance_transaction",
        "id! type currency amount:number fee:number net:number created:timestamp",
    ),
)
