"""Shopify as providers.md section 13 describes it: signed callbacks, expiring offline tokens."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Answer, Provider
from sequin_admin.sandbox.models import Account, Client, Grant, Token, now
from sequin_admin.sandbox.oauth import Server

SHOP = r"(?P<shop>[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com)"
VERSION = r"\d{4}-\d{2}"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
REFRESH_LIFE_S = 7_776_000  # 90 days
BUCKET = 40


def throttled() -> HttpResponse:
    response = JsonResponse({"errors": "Exceeded 2 calls per second for api client."}, status=429)
    response["Retry-After"] = "2.0"
    response["X-Shopify-Shop-Api-Call-Limit"] = f"{BUCKET}/{BUCKET}"
    return response


def plant() -> None:
    seed.client("shopify", client_id="simulatedshopifyapp")
    seed.account("shopify", "shop-001.myshopify.com", "Spice Emporium", number=548380009)
    seed.account("shopify", "harkonnen.myshopify.com", "Harkonnen Goods", number=548380010)


provider = Provider(
    "shopify",
    "Shopify",
    scopes=("read_products", "read_orders", "read_customers"),
    switches=("uninstall", "freeze", "lock", "close", "drop_scope"),
    seed=plant,
    throttled=throttled,
)


class Shopify(Server):
    """The previous refresh token may be retried until its replacement is first used."""

    def accounts(self, request: HttpRequest) -> Any:
        return super().accounts(request).filter(external_id=request.shop)  # type: ignore[attr-defined]

    def redeem(self, client: Client, fields: Any) -> Grant:
        """Shopify does not take the redirect URI again."""
        code = self.lookup(client, Token.CODE, fields.get("code", ""))
        if code is None or not code.alive() or not code.spend():
            raise Answer(self.error("invalid_request", "The code was not found or was used", 400))
        return code.grant

    def renew(self, request: HttpRequest, client: Client, value: str) -> HttpResponse:
        token = self.lookup(client, Token.REFRESH, value)
        if token is None or token.grant.revoked or not self.usable(token):
            return self.error("invalid_grant", "The refresh token is not valid", 400)
        faults.strike(request, provider, token.grant.account)
        if token.spent_at:
            return JsonResponse(token.data["answer"])
        self.predecessors(token).update(expires_at=now())
        token.spend()
        return self.answer(request, token.grant, fresh=True, kept=token)

    def usable(self, token: Token) -> bool:
        return token.expires_at is None or token.expires_at > now()

    def predecessors(self, token: Token) -> Any:
        """Using a token ends the retries of the one before it."""
        return token.grant.tokens.filter(use=Token.REFRESH, pk__lt=token.pk)

    def more(self, grant: Grant) -> dict[str, Any]:
        life = {"refresh_token_expires_in": REFRESH_LIFE_S}
        return {"scope": ",".join(grant.scopes), **life}


server = Shopify(
    provider,
    takes="json form",
    pkce="none",
    scope_separator=",",
    access_prefix="shpat_",
    refresh_prefix="shprt_",
    refresh_life_s=REFRESH_LIFE_S,
    default_grant="authorization_code",
)


def signature(params: dict[str, str], secret: str) -> str:
    message = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


@provider.route("GET POST", SHOP, r"/admin/oauth/authorize")
def authorize(request: HttpRequest, shop: str) -> HttpResponse:
    """What goes back is signed with the app's secret; a refusal is not."""
    request.shop = shop  # type: ignore[attr-defined]
    response = server.authorize(request)
    if not isinstance(response, HttpResponseRedirect):
        return response
    target = urlsplit(response.url)
    params = dict(parse_qsl(target.query))
    if "code" not in params:
        return response
    client = Client.objects.get(provider="shopify", client_id=request.GET["client_id"])
    params |= {"shop": shop, "timestamp": str(int(now().timestamp())), "host": "YWRtaW4"}
    params["hmac"] = signature(params, client.client_secret)
    return HttpResponseRedirect(
        f"{target.scheme}://{target.netloc}{target.path}?{urlencode(params)}"
    )


@provider.route("POST", SHOP, r"/admin/oauth/access_token")
def token(request: HttpRequest, shop: str) -> HttpResponse:
    fields = server.fields_of(request)
    if fields.get("grant_type") == EXCHANGE:
        return exchange(request, fields)
    response = server.token(request)
    never = fields.get("grant_type") != "refresh_token" and fields.get("expiring") != "1"
    return everlasting(response) if response.status_code == 200 and never else response


def everlasting(response: HttpResponse) -> HttpResponse:
    """Without `expiring` the token has no end and no refresh token."""
    body = json.loads(response.content)
    Token.objects.filter(value=body["access_token"]).update(expires_at=None)
    Token.objects.filter(value=body["refresh_token"]).delete()
    kept = {name: body[name] for name in ("access_token", "scope")}
    return JsonResponse(kept)


def exchange(request: HttpRequest, fields: dict[str, str]) -> HttpResponse:
    """An old token without end for one that expires."""
    client = server.client_of(request, fields)
    old = Token.objects.filter(value=fields.get("subject_token", ""), grant__client=client).first()
    if old is None or not old.alive():
        return server.error("invalid_subject_token", "The subject token is not valid", 400)
    old.spend()
    return server.answer(request, old.grant, fresh=True)


def caller(request: HttpRequest, shop: str) -> Account:
    token = server.access(request.headers.get("X-Shopify-Access-Token", ""))
    if token is None or token.grant.account.external_id != shop:
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        raise Answer(JsonResponse({"errors": message}, status=401))
    account = token.grant.account
    faults.strike(request, provider, account)
    for flag, status in (("close", 404), ("freeze", 402), ("lock", 423)):
        if account.has(flag):
            raise Answer(
                JsonResponse({"errors": f"The shop is unavailable: {flag}"}, status=status)
            )
    faults.count(provider, shop, allowed=BUCKET, seconds=20)
    return account


@provider.route("POST", SHOP, rf"/admin/api/{VERSION}/graphql\.json")
def graphql(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop)
    if account.has("drop_scope"):
        extensions = {"code": "ACCESS_DENIED"}
        return JsonResponse({"errors": [{"message": "Access denied", "extensions": extensions}]})
    shop_id = f"gid://shopify/Shop/{account.data['number']}"
    known = {"id": shop_id, "name": account.name, "myshopifyDomain": shop}
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1998, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 2, "actualQueryCost": 2, "throttleStatus": status}
    return JsonResponse({"data": {"shop": known}, "extensions": {"cost": cost}})


@provider.route("GET", SHOP, rf"/admin/api/{VERSION}/products\.json")
def products(request: HttpRequest, shop: str) -> HttpResponse:
    caller(request, shop)
    rows = [{"id": 632910390 + n, "title": f"Melange, {n} kg"} for n in range(1, 6)]
    response = JsonResponse({"products": rows})
    response["X-Shopify-Shop-Api-Call-Limit"] = f"1/{BUCKET}"
    return response


@provider.route("DELETE", SHOP, r"/admin/api_permissions/current\.json")
def uninstall(request: HttpRequest, shop: str) -> HttpResponse:
    account = caller(request, shop)
    Grant.objects.filter(account=account).update(revoked=True)
    account.switch("uninstall")
    return JsonResponse({})
