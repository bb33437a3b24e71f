"""A requester for declarative manifests."""

from dataclasses import InitVar, dataclass
from typing import Any

from airbyte_cdk.sources.declarative.requesters.error_handlers import DefaultErrorHandler
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.declarative.requesters.request_options import (
    InterpolatedRequestOptionsProvider,
)
from airbyte_cdk.sources.declarative.requesters.request_options.request_options_provider import (
    RequestOptionsProvider,
)
from airbyte_cdk.sources.http_config import MAX_CONNECTION_POOL_SIZE
from airbyte_cdk.sources.streams.http.error_handlers import ErrorHandler

from sequin_admin.client.airbyte.adapter import ConnectorAdapter
from sequin_admin.client.airbyte.authenticator import CredentialAuthenticator
from sequin_admin.client.airbyte.error_handler import CredentialErrorHandler
from sequin_admin.client.airbyte.errors import airbyte_errors

OPTIONS = ("request_parameters", "request_headers", "request_body_data", "request_body_json")


@dataclass
class CredentialRequester(HttpRequester):
    """The CDK's requester with a credential. Without `url` or `url_base`, `path` is below the
    provider's base URL, as Sequin Admin knows it.

    `authenticator` names the credential where it is not the configuration's. Retries are the CDK's;
    each is a call with a permit of its own.
    """

    config: dict[str, Any]
    parameters: InitVar[dict[str, Any]]
    authenticator: CredentialAuthenticator | None = None
    error_handler: ErrorHandler | None = None
    request_options_provider: RequestOptionsProvider | None = None
    request_parameters: dict[str, Any] | str | None = None
    request_headers: dict[str, Any] | str | None = None
    request_body_data: dict[str, Any] | str | None = None
    request_body_json: dict[str, Any] | str | None = None

    def __post_init__(self, parameters: dict[str, Any]) -> None:
        self.source = self.authenticator or CredentialAuthenticator(self.config, parameters)
        # The adapter authorizes what is sent: what the CDK keeps and logs has no secret.
        self.authenticator = None
        self.error_handler = CredentialErrorHandler(
            self.error_handler or DefaultErrorHandler(parameters, self.config), self.source
        )
        if self.request_options_provider is None:
            options = {name: getattr(self, name) for name in OPTIONS}
            self.request_options_provider = InterpolatedRequestOptionsProvider(
                parameters, self.config, **options
            )
        super().__post_init__(parameters)
        adapter = ConnectorAdapter(self.source.credential, pool_maxsize=MAX_CONNECTION_POOL_SIZE)
        for scheme in ("https://", "http://"):
            self._http_client._session.mount(scheme, adapter)

    def _get_url(self, **of_call: Any) -> str:
        url: str = super()._get_url(**of_call)
        if url.startswith("/"):
            with airbyte_errors():
                url = self.source.credential.base_url.rstrip("/") + url
        return url
