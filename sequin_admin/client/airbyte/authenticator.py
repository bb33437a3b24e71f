"""An authenticator for declarative manifests."""

import threading
from dataclasses import InitVar, dataclass
from typing import Any

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.auth.declarative_authenticator import DeclarativeAuthenticator
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from sequin_admin.client.airbyte.credentials import credential_for
from sequin_admin.client.airbyte.errors import airbyte_errors
from sequin_admin.client.api import Credential
from sequin_admin.client.requests.adapter import put_access_into

REQUIRED = ("sequin_admin_url", "sequin_admin_api_key", "credential_id")


@dataclass
class CredentialAuthenticator(DeclarativeAuthenticator):
    """Authorizes requests with a credential, of whatever kind.

    Where the credential is found are strings of the manifest, by default the fields of that name in
    the connector's configuration. With a `sync_id` that sync's own, narrower limit holds as well.
    """

    config: dict[str, Any]
    parameters: InitVar[dict[str, Any]]
    sequin_admin_url: str = "{{ config['sequin_admin_url'] }}"
    sequin_admin_api_key: str = "{{ config['sequin_admin_api_key'] }}"
    credential_id: str = "{{ config['credential_id'] }}"
    sync_id: str = "{{ config.get('sync_id', '') }}"

    def __post_init__(self, parameters: dict[str, Any]) -> None:
        for name in (*REQUIRED, "sync_id"):
            text = InterpolatedString.create(getattr(self, name), parameters=parameters)
            setattr(self, name, str(text.eval(self.config) or ""))
        self.this_thread = threading.local()

    @property
    def credential(self) -> Credential:
        """Raises `AirbyteTracedException` when the configuration does not say which."""
        missing = [name for name in REQUIRED if not getattr(self, name)]
        if missing:
            message = f"The connector's configuration lacks {', '.join(missing)}. Add it there."
            raise AirbyteTracedException(message=message, failure_type=FailureType.config_error)
        return credential_for(
            self.sequin_admin_url,
            self.sequin_admin_api_key,
            self.credential_id,
            self.sync_id or None,
        )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with airbyte_errors():
            access = self.this_thread.access = self.credential.token()
            put_access_into(request, access)
        return request

    def refresh_and_set_access_token(self) -> None:
        """What the CDK calls for the action `REFRESH_TOKEN_THEN_RETRY`, in the same thread."""
        with airbyte_errors():
            self.credential.refused(self.this_thread.access)

    # Headers alone would not do for kinds that sign each request or that fill in its form.
    auth_header = token = ""
