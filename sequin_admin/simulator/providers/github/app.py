"""The simulated GitHub's endpoints for apps, which authenticate with a JWT.

https://docs.github.com/en/rest/apps/apps
"""

import secrets
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpRequest, HttpResponse, JsonResponse
from jwt.types import Options

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token
from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient, SimulatedToken, now
from sequin_admin.simulator.providers.github.common import (
    API,
    LIFE_S,
    PERMISSIONS,
    api_error,
    installation_json,
    permissions_of,
    provider,
    require_user_agent,
    simple_user,
)
from sequin_admin.simulator.providers.github.install import is_installed

NUMBER = r"/app/installations/(?P<number>\d+)"
# Times are checked below, by the simulated clock.
UNTIMED: Options = {"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "iss"]}


def app_of(request: HttpRequest) -> SimulatedClient:
    """The app that signed the JWT: RS256, `iss` is its id, valid for at most ten minutes."""
    require_user_agent(request)
    faults.apply_faults(request, provider, None)
    for app in SimulatedClient.objects.filter(provider="github"):
        try:
            key = public_key(app)
            claims = jwt.decode(bearer_token(request), key, algorithms=["RS256"], options=UNTIMED)
        except jwt.PyJWTError:
            continue
        if str(claims["iss"]) in (app.client_id, app.extra["app_id"]):
            check_times(claims)
            return app
    raise SimulatedResponse(api_error(401, "A JSON web token could not be decoded"))


def check_times(claims: dict[str, Any]) -> None:
    """Raises `SimulatedResponse` (401) unless `iat` and `exp` (Unix seconds) hold now."""
    at = now().timestamp()
    if not all(isinstance(claims[name], int) for name in ("iat", "exp")):
        raise SimulatedResponse(api_error(401, "'iat' and 'exp' must be numeric values"))
    if claims["exp"] > at + 600:
        raise SimulatedResponse(
            api_error(401, "'Expiration time' claim ('exp') is too far in the future")
        )
    if claims["exp"] <= at:
        raise SimulatedResponse(
            api_error(401, "'Expiration time' claim ('exp') must be in the future")
        )
    if claims["iat"] > at + 5:
        raise SimulatedResponse(api_error(401, "'Issued at' claim ('iat') must be in the past"))


def public_key(app: SimulatedClient) -> rsa.RSAPublicKey:
    pem = app.extra["private_key"].encode()
    key = serialization.load_pem_private_key(pem, password=None)
    return cast(rsa.RSAPrivateKey, key).public_key()


def get_installed_account(
    request: HttpRequest, app: SimulatedClient, number: str
) -> SimulatedAccount:
    """The account of an installation of the app. Raises `SimulatedResponse` (404)."""
    rows = SimulatedAccount.objects.filter(provider="github", data__installation_id=int(number))
    account = rows.first()
    if account is None or account.has("uninstall") or not is_installed(app, account):
        raise SimulatedResponse(api_error(404, "Not Found"))
    faults.apply_faults(request, provider, account)
    return account


@provider.route("GET", API, r"/app")
def app(request: HttpRequest) -> HttpResponse:
    row = app_of(request)
    slug, app_id = row.extra["slug"], int(row.extra["app_id"])
    named = {"slug": slug, "name": slug, "node_id": f"A_{app_id}", "client_id": row.client_id}
    urls = dict.fromkeys(("html_url", "external_url"), f"https://github.com/apps/{slug}")
    born = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z")
    rights = {"permissions": PERMISSIONS, "events": [], "description": ""}
    owner = simple_user("sequin", 1, "Organization")
    return JsonResponse({"id": app_id, **named, **urls, **born, **rights, "owner": owner})


@provider.route("GET", API, NUMBER)
def installation(request: HttpRequest, number: str) -> HttpResponse:
    row = app_of(request)
    return JsonResponse(installation_json(get_installed_account(request, row, number), row))


@provider.route("DELETE", API, NUMBER)
def uninstall(request: HttpRequest, number: str) -> HttpResponse:
    row = app_of(request)
    account = get_installed_account(request, row, number)
    account.set_flag("uninstall")
    row.grants.filter(account=account).update(revoked=True)
    return HttpResponse(status=204)


@provider.route("PUT DELETE", API, rf"{NUMBER}/suspended")
def suspension(request: HttpRequest, number: str) -> HttpResponse:
    account = get_installed_account(request, app_of(request), number)
    account.set_flag("suspend", on=request.method == "PUT")
    return HttpResponse(status=204)


def signed_token(app: SimulatedClient, installation_id: int) -> str:
    """The JWT that a token has had in it since April 2026: it is as long as theirs."""
    at = int(now().timestamp())
    claims = {"iat": at, "exp": at + LIFE_S, "jti": secrets.token_hex(16)}
    known = {"iss": app.extra["app_id"], "installation_id": installation_id}
    return jwt.encode({**claims, **known}, app.extra["private_key"], algorithm="RS256")


@provider.route("POST", API, rf"{NUMBER}/access_tokens")
def create_access_token(request: HttpRequest, number: str) -> HttpResponse:
    row = app_of(request)
    account = get_installed_account(request, row, number)
    if account.has("suspend"):
        return api_error(403, "This installation has been suspended")
    grant = row.grants.filter(account=account, revoked=False).latest("pk")
    value = f"ghs_{row.extra['app_id']}_{signed_token(row, int(number))}"
    token = SimulatedToken.issue(grant, SimulatedToken.ACCESS, "", LIFE_S, value=value)
    body = {
        "token": token.value,
        "expires_at": (token.expires_at or now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": permissions_of(account),
        "repository_selection": "all",
    }
    return faults.maybe_lose_response(request, provider, account, JsonResponse(body, status=201))
