"""Components for declarative manifests of Airbyte's CDK; the extra `[airbyte]`.

    requester:
      type: CustomRequester
      class_name: sequin_admin.client.airbyte.CredentialRequester
      path: crm/v3/objects/contacts

Each call is authorized, waits for a permit, is sent once more with a new token after 401, and tells
the server what the provider says about its limit. A broken credential ends the sync as a
`config_error` whose message says who must act.

`CredentialAuthenticator` is for requesters of the CDK's own. It authorizes requests, but an
authenticator is told neither when a request is sent nor how it ended, so it takes no permit and
reports nothing: prefer `CredentialRequester`.
"""

from sequin_admin.client.airbyte.authenticator import CredentialAuthenticator
from sequin_admin.client.airbyte.requester import CredentialRequester

__all__ = ["CredentialAuthenticator", "CredentialRequester"]
