"""The collections that every account has."""

from sequin_admin.credentials.collections import collection_schema

CATALOGUE = (
    collection_schema(
        "Customer",
        "Id! DisplayName CompanyName Balance:number Active:boolean MetaData:object",
    ),
    collection_schema(
        "Vendor",
        "Id! DisplayName CompanyName Balance:number Active:boolean MetaData:object",
    ),
    collection_schema(
        "Invoice",
        "Id! DocNumber CustomerRef:object TotalAmt:number Balance:number DueDate:date "
        "MetaData:object",
    ),
    collection_schema(
        "Bill",
        "Id! DocNumber VendorRef:object TotalAmt:number Balance:number DueDate:date "
        "MetaData:object",
    ),
    collection_schema(
        "Payment", "Id! CustomerRef:object TotalAmt:number TxnDate:date MetaData:object"
    ),
    collection_schema(
        "Account",
        "Id! Name AccountType CurrentBalance:number Active:boolean MetaData:object",
    ),
    collection_schema(
        "Item",
        "Id! Name Type UnitPrice:number QtyOnHand:number Active:boolean MetaData:object",
    ),
    collection_schema("JournalEntry", "Id! DocNumber TxnDate:date Line:object MetaData:object"),
)
