"""Client library for sync workers: a credential's token and permits, and a transport for both.

Depends on httpx2 only and imports nothing from the server.

    credential = Client("https://admin.example.com", api_key).credential(id)
    with httpx2.Client(base_url=credential.base_url, transport=credential.transport()) as http:
        http.get("/crm/v3/objects/contacts")

The transport adds the token to each request and waits for a permit of the credential's rate limit.
For calls made in another way use `with credential.permit():`. `Api` calls the rest of the
Management API.
"""

from sequin_admin.client.access import Access
from sequin_admin.client.api import AsyncClient, AsyncCredential, Client, Credential
from sequin_admin.client.errors import Broken, Refused, SequinError, TryLater, WrongHost
from sequin_admin.client.management import Api
from sequin_admin.client.permits import Pace, Permit
from sequin_admin.client.transport import AsyncCredentialTransport, CredentialTransport

__all__ = [
    "Access",
    "Api",
    "AsyncClient",
    "AsyncCredential",
    "AsyncCredentialTransport",
    "Broken",
    "Client",
    "Credential",
    "CredentialTransport",
    "Pace",
    "Permit",
    "Refused",
    "SequinError",
    "TryLater",
    "WrongHost",
]
