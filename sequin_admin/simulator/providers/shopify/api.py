"""The simulated Shopify's API: GraphQL, and the rest of the REST API."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedGrant
from sequin_admin.simulator.providers.shopify.common import BUCKET, SHOP, provider
from sequin_admin.simulator.providers.shopify.oauth import server

VERSION = r"\d{4}-\d{2}"


def caller(request: HttpRequest, shop: str) -> SimulatedGrant:
    """The grant of the access token, of this shop; counts the call. Raises `SimulatedResponse`."""
    token = server.find_access_token(request.headers.get("X-Shopify-Access-Token", ""))
    if token is None or token.grant.account.external_id != shop:
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        raise SimulatedResponse(JsonResponse({"errors": message}, status=401))
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    for flag, status in (("close", 404), ("freeze", 402), ("lock", 423)):
        if account.has(flag):
            raise SimulatedResponse(
                JsonResponse({"errors": f"The shop is unavailable: {flag}"}, status=status)
            )
    count_call(provider, shop, allowed=BUCKET, seconds=20)
    return token.grant


@provider.route("POST", SHOP, rf"/admin/api/{VERSION}/graphql\.json")
def graphql(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop).account
    if account.has("drop_scope"):
        extensions = {"code": "ACCESS_DENIED"}
        return JsonResponse({"errors": [{"message": "Access denied", "extensions": extensions}]})
    shop_id = f"gid://shopify/Shop/{account.data['number']}"
    known = {"id": shop_id, "name": account.name, "myshopifyDomain": shop}
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1998, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 2, "actualQueryCost": 2, "throttleStatus": status}
    return JsonResponse({"data": {"shop": known}, "extensions": {"cost": cost}})


@provider.route("GET", SHOP, rf"/admin/api/{VERSION}/shop\.json")
def the_shop(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop).account
    names = {"name": account.name, "domain": shop, "myshopify_domain": shop}
    known = {"id": account.data["number"], "email": f"owner@{shop}", "plan_name": "basic"}
    return with_usage_header(JsonResponse({"shop": {**known, **names}}))


@provider.route("GET", SHOP, r"/admin/oauth/access_scopes\.json")
def access_scopes(request: HttpRequest, shop: str) -> HttpResponse:
    scopes = [{"handle": scope} for scope in caller(request, shop).scopes]
    return with_usage_header(JsonResponse({"access_scopes": scopes}))


@provider.route("GET", SHOP, rf"/admin/api/{VERSION}/products\.json")
def products(request: HttpRequest, shop: str) -> HttpResponse:
    """A page of products. The Link header (RFC 8288) leads to the next one."""
    caller(request, shop)
    rows = [{"id": 632910390 + n, "title": f"Melange, {n} kg"} for n in range(1, 6)]
    start, size = int(request.GET.get("page_info", 0)), int(request.GET.get("limit", 50))
    response = with_usage_header(JsonResponse({"products": rows[start : start + size]}))
    if start + size < len(rows):
        path = request.path.removeprefix(f"/{shop}")
        query = urlencode({"limit": size, "page_info": start + size})
        response["Link"] = f'<https://{shop}{path}?{query}>; rel="next"'
    return response


def with_usage_header(response: HttpResponse) -> HttpResponse:
    response["X-Shopify-Shop-Api-Call-Limit"] = f"1/{BUCKET}"
    return response


@provider.route("DELETE", SHOP, r"/admin/api_permissions/current\.json")
def uninstall(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop).account
    SimulatedGrant.objects.filter(account=account).update(revoked=True)
    account.set_flag("uninstall")
    return JsonResponse({})
