"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "Account",
        "Id! Name Type Industry Website OwnerId CreatedDate:datetime SystemModstamp:datetime",
    ),
    collection_schema(
        "Contact",
        "Id! AccountId FirstName LastName Email Phone CreatedDate:datetime SystemModstamp:datetime",
    ),
    collection_schema(
        "Lead",
        "Id! FirstName LastName Company Email Status CreatedDate:datetime SystemModstamp:datetime",
    ),
    collection_schema(
        "Opportunity",
        "Id! AccountId Name StageName Amount:number CloseDate:date SystemModstamp:datetime",
    ),
    collection_schema(
        "Case",
        "Id! AccountId ContactId CaseNumber Subject Status Priority SystemModstamp:datetime",
    ),
    collection_schema(
        "Task", "Id! WhoId WhatId Subject Status ActivityDate:date SystemModstamp:datetime"
    ),
    collection_schema(
        "Event",
        "Id! WhoId WhatId Subject StartDateTime:datetime EndDateTime:datetime "
        "SystemModstamp:datetime",
    ),
    collection_schema(
        "Campaign",
        "Id! Name Type Status StartDate:date EndDate:date SystemModstamp:datetime",
    ),
    collection_schema("User", "Id! Username Name Email IsActive:boolean SystemModstamp:datetime"),
)
