"""The resources of /v1: the address of each, and its router.

A new resource is its module and one line here; tags and operations are documented in this order.
"""

RESOURCES = [
    ("/credentials", "sequin_admin.api.credentials.bulk.router"),
    ("/credentials", "sequin_admin.api.credentials.views.router"),
    ("/credentials", "sequin_admin.api.credentials.actions.router"),
    ("/rate-limits", "sequin_admin.api.credentials.rate_limits.router"),
    ("/credentials", "sequin_admin.api.credentials.tokens.router"),
    ("/credentials", "sequin_admin.api.credentials.permits.router"),
    ("/credentials", "sequin_admin.api.credentials.authorization_requests.router"),
    ("/oauth-apps", "sequin_admin.api.oauth_apps.views.router"),
    ("/streams", "sequin_admin.api.syncs.streams.router"),
    ("/syncs", "sequin_admin.api.syncs.views.router"),
    ("/syncs", "sequin_admin.api.syncs.badges.router"),
    ("/collections", "sequin_admin.api.credentials.collections.router"),
    ("/consumers/postgres", "sequin_admin.api.syncs.consumers.router"),
    ("/targets/postgres", "sequin_admin.api.syncs.targets.router"),
    ("/search", "sequin_admin.api.search.router"),
    ("/health", "sequin_admin.api.overview.router"),
    ("/incidents", "sequin_admin.api.incidents.router"),
    ("/causes", "sequin_admin.api.causes.router"),
    ("/webhooks", "sequin_admin.api.notifications.webhooks.router"),
    ("/api-keys", "sequin_admin.api.api_keys.views.router"),
    ("/connect-links", "sequin_admin.api.connect_links.views.router"),
    ("/events", "sequin_admin.api.events.router"),
    ("/usage", "sequin_admin.api.credentials.usage.router"),
    ("/credentials", "sequin_admin.api.credentials.usage.of_credential"),
    ("/channels", "sequin_admin.api.notifications.channels.router"),
    ("/customer-deliveries", "sequin_admin.api.notifications.deliveries.router"),
    ("/kinds", "sequin_admin.api.kinds.router"),
    ("/organization", "sequin_admin.api.organization.router"),
    ("/members", "sequin_admin.api.members.router"),
]
