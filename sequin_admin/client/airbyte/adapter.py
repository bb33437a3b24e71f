"""The transport adapter of a connector's session."""

import requests

from sequin_admin.client.airbyte.errors import CallDeferred, airbyte_errors
from sequin_admin.client.errors import TryLater
from sequin_admin.client.requests import CredentialAdapter
from sequin_admin.client.requests.adapter import Options


class ConnectorAdapter(CredentialAdapter):
    """Raises Airbyte's exceptions in place of ours."""

    def carry_out(
        self, request: requests.PreparedRequest, options: Options, *, stream: bool
    ) -> requests.Response:
        """Raises `CallDeferred`, to be retried, and what `airbyte_errors` raises."""
        with airbyte_errors():
            try:
                return super().carry_out(request, options, stream=stream)
            except TryLater as later:
                raise CallDeferred(later) from later
