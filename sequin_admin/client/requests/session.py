"""A `requests.Session` for one credential."""

import requests

from sequin_admin.client.api import Credential
from sequin_admin.client.requests.adapter import CredentialAdapter


class Session(requests.Session):
    """A session whose calls are made with the credential. Its hooks, cookies and proxies work.

    An address that begins with "/" is below the provider's base URL.
    """

    def __init__(self, credential: Credential, *, paced: bool = True) -> None:
        super().__init__()
        self.credential = credential
        for scheme in ("https://", "http://"):
            self.mount(scheme, CredentialAdapter(credential, paced=paced))

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        url = str(request.url)
        if url.startswith("/"):
            request.url = self.credential.base_url.rstrip("/") + url
        return super().prepare_request(request)
