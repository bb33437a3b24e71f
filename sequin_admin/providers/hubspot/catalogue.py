"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "contact",
        "id! email firstname lastname phone lifecyclestage createdate:datetime "
        "lastmodifieddate:datetime",
    ),
    collection_schema(
        "company",
        "id! name domain industry createdate:datetime hs_lastmodifieddate:datetime",
    ),
    collection_schema(
        "deal",
        "id! dealname dealstage pipeline amount:number closedate:datetime "
        "hs_lastmodifieddate:datetime",
    ),
    collection_schema(
        "ticket",
        "id! subject content hs_pipeline_stage createdate:datetime hs_lastmodifieddate:datetime",
    ),
    collection_schema("product", "id! name hs_sku price:number hs_lastmodifieddate:datetime"),
    collection_schema(
        "line_item", "id! name quantity:number price:number hs_lastmodifieddate:datetime"
    ),
    collection_schema(
        "owner", "id! email firstName lastName createdAt:datetime updatedAt:datetime"
    ),
)
