"""What is entered or read of an account, and in which forms it is pasted."""

import re
from datetime import datetime
from typing import Literal

from sequin_admin.credentials.kinds import Properties, Property, Secret
from sequin_admin.credentials.normalizers import instant, number_named, words

REALM = r"\d{10,19}"
OF_COMPANY = re.compile(r"/company/(\d+)(?!\w)")


def company(text: str) -> str:
    """The company of an address of the API, of the app, or of the callback: ?realmId=..."""
    found = OF_COMPANY.search(text)
    return found[1] if found else number_named("realm_?id", "company_?id")(text)


class QuickBooksProperties(Properties):
    kind: Literal["quickbooks_oauth2"]
    realm_id: str = Property(
        "Realm ID", extension=True, help="The company.", pattern=REALM, normalizer=company
    )
    refresh_token: Secret = Property("Refresh token", extension=True)
    scope: str = Property(
        "Scope",
        extension=True,
        example="com.intuit.quickbooks.accounting",
        normalizer=words(" "),
    )
    sandbox: bool = Property("Sandbox company", extension=True, default=False)
    company_name: str | None = Property("Company name", extension=True, read_only=True)
    refresh_token_expires_at: datetime | None = Property(
        "Refresh token expires", extension=True, read_only=True, normalizer=instant
    )
    access_expires_at: datetime | None = Property(
        "Access expires",
        extension=True,
        read_only=True,
        help="Five years after the consent, whatever is renewed.",
        normalizer=instant,
    )
