"""The transport adapter of a connector's session."""

from typing import Any

import requests

from sequin_admin.client.airbyte.errors import CallDeferred, airbyte_errors
from sequin_admin.client.errors import TryLater
from sequin_admin.client.requests import CredentialAdapter


class ConnectorAdapter(CredentialAdapter):
    """Raises Airbyte's exceptions in place of ours."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Raises `CallDeferred`, to be retried, and what `airbyte_errors` raises."""
        with airbyte_errors():
            try:
                return super().send(request, *args, **options)
            except TryLater as later:
                raise CallDeferred(later) from later
