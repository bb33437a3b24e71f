"""What the simulated Shopify's endpoints share: seed data and the rate limit."""

from django.http import HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import ProviderSimulator

SHOP = r"(?P<shop>[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com)"
BUCKET = 40


def throttled() -> HttpResponse:
    response = JsonResponse({"errors": "Exceeded 2 calls per second for api client."}, status=429)
    response["Retry-After"] = "2.0"
    response["X-Shopify-Shop-Api-Call-Limit"] = f"{BUCKET}/{BUCKET}"
    return response


def plant() -> None:
    seed.create_client(
        "shopify", client_id="simulatedshopifyapp", app_url="", distribution="custom"
    )
    seed.create_account("shopify", "shop-001.myshopify.com", "Spice Emporium", number=548380009)
    seed.create_account("shopify", "harkonnen.myshopify.com", "Harkonnen Goods", number=548380010)


provider = ProviderSimulator(
    "shopify",
    "Shopify",
    scopes=("read_products", "read_orders", "read_customers"),
    switches=("uninstall", "freeze", "lock", "close", "drop_scope"),
    seed=plant,
    throttled=throttled,
)
