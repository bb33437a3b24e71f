"""Who calls the simulated Shopify, and the shop and its scopes over REST."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedClient, SimulatedGrant, now
from sequin_admin.simulator.providers.shopify.common import BUCKET, SHOP, provider
from sequin_admin.simulator.providers.shopify.oauth import server

# https://shopify.dev/changelog of 10 December 2025: custom apps may keep theirs.
OFFLINE_ENDS = datetime(2027, 1, 1, tzinfo=UTC)
VERSION = r"\d{4}-\d{2}"


def is_public(app: SimulatedClient) -> bool:
    return bool(app.extra.get("distribution") == "public")


def find_grant(request: HttpRequest, shop: str) -> SimulatedGrant:
    """The grant of the access token, of this shop. Raises `SimulatedResponse`."""
    token = server.find_access_token(request.headers.get("X-Shopify-Access-Token", ""))
    if token is None or token.grant.account.external_id != shop:
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        raise SimulatedResponse(JsonResponse({"errors": message}, status=401))
    account, public = token.grant.account, is_public(token.grant.client)
    if public and token.expires_at is None and now() >= OFFLINE_ENDS:
        message = "[API] This app must use expiring offline access tokens."
        raise SimulatedResponse(JsonResponse({"errors": message}, status=403))
    faults.apply_faults(request, provider, account)
    for flag, status in (("close", 404), ("freeze", 402), ("lock", 423)):
        if account.has(flag):
            raise SimulatedResponse(
                JsonResponse({"errors": f"The shop is unavailable: {flag}"}, status=status)
            )
    return token.grant


def caller(request: HttpRequest, shop: str) -> SimulatedGrant:
    """The same for a call of the REST API, which is counted. Raises `SimulatedResponse`."""
    grant = find_grant(request, shop)
    state_of(request).calls_left = count_call(provider, shop, allowed=BUCKET, seconds=20)
    return grant


@provider.route("GET", SHOP, rf"/admin/api/{VERSION}/shop\.json")
def the_shop(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop).account
    names = {"name": account.name, "domain": shop, "myshopify_domain": shop}
    known = {"id": account.data["number"], "email": f"owner@{shop}", "plan_name": "basic"}
    return with_usage_header(request, JsonResponse({"shop": {**known, **names}}))


@provider.route("GET", SHOP, r"/admin/oauth/access_scopes\.json")
def access_scopes(request: HttpRequest, shop: str) -> HttpResponse:
    scopes = [{"handle": scope} for scope in caller(request, shop).scopes]
    return with_usage_header(request, JsonResponse({"access_scopes": scopes}))


def with_usage_header(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """How full the bucket of calls is."""
    response["X-Shopify-Shop-Api-Call-Limit"] = f"{BUCKET - state_of(request).calls_left}/{BUCKET}"
    return response


@provider.route("DELETE", SHOP, r"/admin/api_permissions/current\.json")
def uninstall(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop).account
    SimulatedGrant.objects.filter(account=account).update(revoked=True)
    account.set_flag("uninstall")
    return JsonResponse({})
