"""The authorization code flow of a shop. Refresh tokens are single use, with a grace period.

https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from sequin_admin.credentials.kinds import OAuth2

TOKEN_URL = "https://{shop}/admin/oauth/access_token"  # noqa: S105 - an address

FLOW = OAuth2(
    authorize_url="https://{shop}/admin/oauth/authorize",
    token_url=TOKEN_URL,
    rotates=True,
    scopes=("read_products", "read_orders", "read_customers"),
    scope_descriptions={
        "read_products": "Read products",
        "write_products": "Add and change products",
        "read_orders": "Read orders of the last 60 days",
        "read_all_orders": "Read all orders",
        "write_orders": "Change orders",
        "read_customers": "Read customers",
        "write_customers": "Add and change customers",
        "read_inventory": "Read inventory",
    },
    scope_separator=",",
    body="json",
    pkce=False,
    token_params={"expiring": "1"},
    required_properties=("shop",),
    access_property="access_token",
    refused_codes=("invalid_grant", "token_refused", "answer_lost"),
    grace_s=30 * 86_400,
)
