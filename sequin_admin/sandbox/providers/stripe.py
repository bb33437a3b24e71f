"""Stripe as providers.md section 14 describes it: Connect OAuth, secret and restricted keys."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.sandbox import faults, seed
from sequin_admin.sandbox.framework import Answer, Provider, basic_pair, bearer
from sequin_admin.sandbox.models import Account, Client, Grant, Token
from sequin_admin.sandbox.oauth import Server

CONNECT, API = r"connect\.stripe\.com", r"api\.stripe\.com"


def api_error(status: int, type_: str, message: str, code: str = "") -> HttpResponse:
    error = {"type": type_, "message": message} | ({"code": code} if code else {})
    return JsonResponse({"error": error}, status=status)


def throttled() -> HttpResponse:
    message = "Request rate limit exceeded."
    response = api_error(429, "invalid_request_error", message, "rate_limit")
    response["Stripe-Rate-Limited-Reason"] = "global-rate"
    return response


def plant() -> None:
    seed.client(
        "stripe", client_id="ca_SimulatedStripePlatform", client_secret="sk_test_platformsimulated"
    )
    seed.account(
        "stripe",
        "acct_1Arrakis0000001",
        "Arrakis",
        email="paul@arrakis.io",
        secret_key="sk_test_arrakis0000000000000001",
        restricted_key="rk_test_arrakis0000000000000001",
        live_key="sk_live_arrakis0000000000000001",
    )
    seed.account(
        "stripe",
        "acct_1GiediPrime00002",
        "Giedi Prime",
        email="feyd@giedi-prime.net",
        secret_key="sk_test_giediprime000000000000002",
        restricted_key="rk_test_giediprime000000000000002",
        live_key="sk_live_giediprime000000000000002",
    )


provider = Provider(
    "stripe",
    "Stripe",
    scopes=("read_write",),
    switches=("expire_key", "roll_key"),
    new_secret="sk_test_platform",
    seed=plant,
    throttled=throttled,
)


class StripeConnect(Server):
    """The platform authenticates with its secret key: `client_secret`, Bearer or Basic user."""

    def client_of(self, request: HttpRequest, fields: Any) -> Client:
        key = fields.get("client_secret") or bearer(request) or basic_pair(request)[0]
        client = Client.objects.filter(provider="stripe", client_secret=key or "none").first()
        if client is None:
            raise Answer(self.error("invalid_client", "No such API key", 401))
        return client

    def verified(self, code: Token, fields: Any) -> bool:
        return True

    def redeem(self, client: Client, fields: Any) -> Grant:
        code = self.lookup(client, Token.CODE, fields.get("code", ""))
        if code is None or not code.alive() or not code.spend():
            raise Answer(self.error("invalid_grant", "Authorization code does not exist", 400))
        return code.grant

    def more(self, grant: Grant) -> dict[str, Any]:
        live = grant.client.client_secret.startswith("sk_live_")
        return {
            "livemode": live,
            "stripe_publishable_key": f"pk_{'live' if live else 'test'}_simulated",
            "stripe_user_id": grant.account.external_id,
            "scope": (grant.scopes or ["read_only"])[0],
        }

    def answer(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Connect tokens name no end: `expires_in` is left out."""
        response = super().answer(*args, **kwargs)
        return without_expiry(response)


def without_expiry(response: HttpResponse) -> HttpResponse:
    body = json.loads(response.content)
    body.pop("expires_in", None)
    response.content = json.dumps(body).encode()
    return response


server = StripeConnect(
    provider,
    pkce="none",
    access_prefix="sk_test_",
    refresh_prefix="rt_",
    access_life_s=None,
)


@provider.route("GET POST", CONNECT, r"/oauth/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request, path="/oauth/authorize")


@provider.route("POST", CONNECT, r"/oauth/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", CONNECT, r"/oauth/deauthorize")
def deauthorize(request: HttpRequest) -> HttpResponse:
    client = server.client_of(request, request.POST.dict())
    user = request.POST.get("stripe_user_id", "")
    if request.POST.get("client_id") != client.client_id:
        return server.error("invalid_client", "No such application", 401)
    if not Grant.objects.filter(client=client, account__external_id=user).update(revoked=True):
        return server.error(
            "invalid_client", "This application is not connected to that account", 401
        )
    return JsonResponse({"stripe_user_id": user})


def caller(request: HttpRequest) -> tuple[Account, bool]:
    """The account a key or Connect token opens, and whether the key is a restricted one."""
    key = bearer(request) or basic_pair(request)[0]
    token = server.access(key)
    if token:
        account, restricted = token.grant.account, False
    else:
        account, restricted = keyed(key)
    faults.strike(request, provider, account)
    live = "_live_" in key
    faults.count(provider, account.external_id, allowed=100 if live else 25, seconds=1)
    return account, restricted


def keyed(key: str) -> tuple[Account, bool]:
    for account in Account.objects.filter(provider="stripe"):
        if key in (account.data["secret_key"], account.data["live_key"]):
            return unexpired(account), False
        if key == account.data["restricted_key"]:
            return unexpired(account), True
    shown = f"{key[:8]}{'*' * 12}{key[-4:]}"
    raise Answer(api_error(401, "invalid_request_error", f"Invalid API Key provided: {shown}"))


def unexpired(account: Account) -> Account:
    if account.has("expire_key"):
        message = "Expired API Key provided."
        raise Answer(api_error(401, "invalid_request_error", message, "api_key_expired"))
    return account


@provider.route("GET", API, r"/v1/account")
def account(request: HttpRequest) -> HttpResponse:
    row, restricted = caller(request)
    if restricted:
        message = "The provided key does not have the required permissions for this endpoint."
        return api_error(403, "invalid_request_error", message)
    return JsonResponse(
        {
            "id": row.external_id,
            "object": "account",
            "business_profile": {"name": row.name},
            "settings": {"dashboard": {"display_name": row.name}},
            "email": row.data["email"],
            "country": "US",
            "charges_enabled": True,
            "requirements": {"disabled_reason": None},
        }
    )


@provider.route("GET", API, r"/v1/customers")
def customers(request: HttpRequest) -> HttpResponse:
    row, _ = caller(request)
    people = [
        {"id": f"cus_{row.pk}{n:08d}", "object": "customer", "name": f"Customer {n}"}
        for n in range(1, 6)
    ]
    return JsonResponse({"object": "list", "data": people, "has_more": False})
