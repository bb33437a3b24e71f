"""NetSuite's three kinds: OAuth 2, client credentials with a certificate, token-based (TBA)."""

from sequin_admin.providers.netsuite import client_credentials, oauth2, tba

__all__ = ["client_credentials", "oauth2", "tba"]
