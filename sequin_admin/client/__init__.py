"""What a sync worker installs: a credential's token and permits, and a transport that uses both.

Needs httpx2 only; imports nothing of the server.

    credential = Client("https://admin.example.com", api_key).credential(id)
    with httpx2.Client(base_url=credential.base_url, transport=credential.transport()) as http:
        http.get("/crm/v3/objects/contacts")

Each call goes out with the token, when the credential's rate limit lets it. For calls that you make
in another way there is `with credential.permit():`. `Api` makes every other call.
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
