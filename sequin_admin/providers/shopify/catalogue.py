"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "order",
        "id!:number name email financial_status fulfillment_status total_price "
        "created_at:datetime updated_at:datetime",
    ),
    collection_schema(
        "customer",
        "id!:number email first_name last_name state created_at:datetime updated_at:datetime",
    ),
    collection_schema(
        "product", "id!:number title handle vendor product_type status updated_at:datetime"
    ),
    collection_schema(
        "variant", "id!:number product_id:number sku title price inventory_item_id:number"
    ),
    collection_schema("inventory_item", "id!:number sku tracked:boolean updated_at:datetime"),
    collection_schema(
        "inventory_level",
        "inventory_item_id!:number location_id!:number available:number updated_at:datetime",
    ),
    collection_schema("location", "id!:number name active:boolean updated_at:datetime"),
)
