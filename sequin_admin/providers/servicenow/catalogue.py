"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "incident",
        "sys_id! number short_description state priority opened_at:datetime "
        "sys_updated_on:datetime",
    ),
    collection_schema(
        "problem",
        "sys_id! number short_description state priority sys_updated_on:datetime",
    ),
    collection_schema(
        "change_request",
        "sys_id! number short_description type state sys_updated_on:datetime",
    ),
    collection_schema(
        "sc_req_item", "sys_id! number short_description stage sys_updated_on:datetime"
    ),
    collection_schema(
        "sys_user", "sys_id! user_name name email active:boolean sys_updated_on:datetime"
    ),
    collection_schema(
        "sys_user_group", "sys_id! name manager active:boolean sys_updated_on:datetime"
    ),
    collection_schema(
        "cmdb_ci", "sys_id! name sys_class_name install_status sys_updated_on:datetime"
    ),
)
