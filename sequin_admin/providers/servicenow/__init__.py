"""ServiceNow: one credential per instance and client."""

from sequin_admin.providers.servicenow.client_credentials import ServiceNowClientCredentials
from sequin_admin.providers.servicenow.oauth import ServiceNowOAuth

__all__ = ["ServiceNowClientCredentials", "ServiceNowOAuth"]
