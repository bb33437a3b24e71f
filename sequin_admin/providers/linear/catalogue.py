"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "issue",
        "id! identifier title description priority:number createdAt:datetime updatedAt:datetime",
    ),
    collection_schema(
        "project",
        "id! name description state startDate:date targetDate:date updatedAt:datetime",
    ),
    collection_schema("team", "id! key name createdAt:datetime updatedAt:datetime"),
    collection_schema(
        "cycle",
        "id! number:number name startsAt:datetime endsAt:datetime updatedAt:datetime",
    ),
    collection_schema("comment", "id! body createdAt:datetime updatedAt:datetime"),
    collection_schema("label", "id! name color createdAt:datetime updatedAt:datetime"),
    collection_schema(
        "user", "id! name email active:boolean createdAt:datetime updatedAt:datetime"
    ),
)
