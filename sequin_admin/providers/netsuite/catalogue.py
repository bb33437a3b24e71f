"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema("customer", "id! entityId companyName email lastModifiedDate:datetime"),
    collection_schema("vendor", "id! entityId companyName email lastModifiedDate:datetime"),
    collection_schema(
        "salesOrder",
        "id! tranId entity:object total:number status:object lastModifiedDate:datetime",
    ),
    collection_schema(
        "invoice",
        "id! tranId entity:object total:number dueDate:date lastModifiedDate:datetime",
    ),
    collection_schema(
        "purchaseOrder", "id! tranId entity:object total:number lastModifiedDate:datetime"
    ),
    collection_schema("inventoryItem", "id! itemId displayName lastModifiedDate:datetime"),
    collection_schema(
        "account", "id! acctNumber acctName acctType:object lastModifiedDate:datetime"
    ),
)
