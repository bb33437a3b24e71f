"""What is entered or read of an account, and in which forms it is pasted."""

from typing import Literal

from sequin_admin.credentials.kinds import Properties, Property, Secret
from sequin_admin.credentials.normalizers import address_of, host_under, segments, words
from sequin_admin.providers.shopify.signatures import SHOP


def shop_host(text: str) -> str:
    """The shop's host, which ignores case; or of https://admin.shopify.com/store/shop-001."""
    parts = address_of(text)
    path = segments(parts) if parts and parts.netloc == "admin.shopify.com" else []
    return host_under(".myshopify.com")(path[1] if path[:1] == ["store"] and path[1:] else text)


class ShopifyProperties(Properties):
    kind: Literal["shopify_oauth2"]
    access_token: Secret = Property("Access token", help="An offline token.", example="shpat_...")
    shop: str = Property(
        "Shop", example="shop-001.myshopify.com", pattern=SHOP, normalizer=shop_host
    )
    refresh_token: Secret | None = Property("Refresh token", extension=True, default=None)
    scope: str | None = Property(
        "Scope", extension=True, read_only=True, help="Comma-separated.", normalizer=words(",")
    )
