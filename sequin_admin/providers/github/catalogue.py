"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "repository",
        "id!:number full_name private:boolean default_branch created_at:datetime "
        "updated_at:datetime",
    ),
    collection_schema(
        "issue",
        "id!:number number:number title state body created_at:datetime updated_at:datetime",
    ),
    collection_schema(
        "pull_request",
        "id!:number number:number title state merged_at:datetime updated_at:datetime",
    ),
    collection_schema("commit", "sha! html_url author:object commit:object"),
    collection_schema("release", "id!:number tag_name name draft:boolean published_at:datetime"),
    collection_schema("user", "id!:number login type html_url"),
)
