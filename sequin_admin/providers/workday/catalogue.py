"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema("worker", "id! descriptor businessTitle primaryWorkEmail isManager:boolean"),
    collection_schema("organization", "id! descriptor"),
    collection_schema("supervisory_organization", "id! descriptor name code"),
    collection_schema("job_profile", "id! descriptor name"),
)
