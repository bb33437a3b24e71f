"""`CredentialTransport` for `requests`, which most engines speak; the extra `[requests]`.

    credential = Client("https://admin.example.com", api_key).credential(id)
    with Session(credential) as http:
        http.get("/crm/v3/objects/contacts")

Every call, also one after a redirect, is authorized, waits for a permit, is sent once more with a
new token after 401, and tells the server what the provider says about its limit. Raises `Broken`,
`TryLater` and `WrongHost` beside the exceptions of `requests`.
"""

from sequin_admin.client.requests.adapter import CredentialAdapter
from sequin_admin.client.requests.session import Session

__all__ = ["CredentialAdapter", "Session"]
