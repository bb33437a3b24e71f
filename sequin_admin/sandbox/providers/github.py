"""GitHub Apps as providers.md section 4 describes them: install page, JWT, short tokens."""

from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.sandbox import consent, faults, seed
from sequin_admin.sandbox.framework import Answer, Provider, bearer
from sequin_admin.sandbox.models import Account, Client, Grant, Token, now
from sequin_admin.sandbox.oauth import CODE_LIFE_S

HOST, API = r"github\.com", r"api\.github\.com"
PERMISSIONS = {"contents": "read", "issues": "write", "metadata": "read"}
LIFE_S = 3600


def api_error(status: int, message: str) -> HttpResponse:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return JsonResponse(body, status=status)


def throttled() -> HttpResponse:
    response = api_error(403, "API rate limit exceeded for installation.")
    response["x-ratelimit-limit"], response["x-ratelimit-remaining"] = "5000", "0"
    response["x-ratelimit-reset"] = str(int((now() + timedelta(minutes=1)).timestamp()))
    return response


def plant() -> None:
    if not Client.objects.filter(provider="github").exists():
        seed.client(
            "github",
            client_id="Iv23liSimulatedApp",
            app_id="310104",
            slug="sequin-simulated",
            private_key=new_private_key(),
        )
    seed.account("github", "paul-atreides", "paul-atreides", type="User", installation_id=47232440)
    seed.account(
        "github", "arrakis-inc", "arrakis-inc", type="Organization", installation_id=47232441
    )


def new_private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return pem.decode()


provider = Provider(
    "github",
    "GitHub",
    scopes=tuple(f"{name}: {level}" for name, level in PERMISSIONS.items()),
    switches=("uninstall", "suspend", "drop_scope"),
    seed=plant,
    throttled=throttled,
)


@provider.route("GET POST", HOST, r"/apps/(?P<slug>[\w-]+)/installations/new")
def install(request: HttpRequest, slug: str) -> HttpResponse:
    """The install page. The app asks for user authorization too, so a code comes back with it."""
    app = Client.objects.filter(provider="github", extra__slug=slug).first()
    if app is None or not app.redirect_uris:
        return consent.broken(request, provider, app)
    query = {
        **request.GET.dict(),
        "redirect_uri": request.GET.get("redirect_uri", app.redirect_uris[0]),
    }
    if query["redirect_uri"] not in app.redirect_uris:
        return consent.broken(request, provider, app)
    if request.method == "GET":
        accounts = Account.objects.filter(provider="github").order_by("pk")
        return consent.page(request, provider, app, accounts, provider.scopes)
    if "allow" not in request.POST:
        return consent.back(
            query, error="access_denied", error_description="The user denied access"
        )
    account = consent.chosen(request, provider, Account.objects.filter(provider="github"))
    account.switch("uninstall", on=False)
    grant = Grant.objects.create(client=app, account=account, scopes=list(PERMISSIONS))
    code = Token.issue(grant, Token.CODE, "", CODE_LIFE_S)
    number = str(account.data["installation_id"])
    return consent.back(query, code=code.value, installation_id=number, setup_action="install")


@provider.route("POST", HOST, r"/login/oauth/access_token")
def user_token(request: HttpRequest) -> HttpResponse:
    """Answers 200 even for an error, as GitHub does."""
    given = request.POST.dict()
    faults.strike(request, provider, None)
    app = Client.objects.filter(provider="github", client_id=given.get("client_id", "")).first()
    if app is None or app.client_secret != given.get("client_secret"):
        return oauth_error(
            "incorrect_client_credentials", "The client_id and/or client_secret is wrong."
        )
    rows = Token.objects.select_related("grant").filter(use=Token.CODE, grant__client=app)
    code = rows.filter(value=given.get("code", "")).first()
    if code is None or not code.alive() or not code.spend():
        return oauth_error("bad_verification_code", "The code passed is incorrect or expired.")
    token = Token.issue(code.grant, Token.ACCESS, "ghu_", 8 * LIFE_S, user=True)
    return JsonResponse({"access_token": token.value, "token_type": "bearer", "scope": ""})


def oauth_error(error: str, description: str) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description})


def named(request: HttpRequest) -> None:
    if not request.headers.get("User-Agent"):
        raise Answer(api_error(403, "Request forbidden by administrative rules: no User-Agent."))


def app_of(request: HttpRequest) -> Client:
    """The app whose JWT this is: RS256, `iss` an id of ours, at most ten minutes long."""
    named(request)
    faults.strike(request, provider, None)
    for app in Client.objects.filter(provider="github"):
        try:
            claims = jwt.decode(
                bearer(request),
                public_key(app),
                algorithms=["RS256"],
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "require": ["iat", "exp", "iss"],
                },
            )
        except jwt.PyJWTError:
            continue
        if str(claims["iss"]) in (app.client_id, app.extra["app_id"]):
            check_times(claims)
            return app
    raise Answer(api_error(401, "A JSON web token could not be decoded"))


def check_times(claims: dict[str, Any]) -> None:
    at = now().timestamp()
    if claims["exp"] > at + 600:
        raise Answer(api_error(401, "'Expiration time' claim ('exp') is too far in the future"))
    if claims["exp"] <= at or claims["iat"] > at + 5:
        raise Answer(api_error(401, "'Issued at' and 'Expiration time' claims don't fit the time"))


def public_key(app: Client) -> Any:
    pem = app.extra["private_key"].encode()
    return serialization.load_pem_private_key(pem, password=None).public_key()


def installed(app: Client, number: str) -> Account:
    rows = Account.objects.filter(provider="github", data__installation_id=int(number))
    account = rows.first()
    granted = Grant.objects.filter(client=app, account=account, revoked=False).exists()
    if account is None or account.has("uninstall") or not granted:
        raise Answer(api_error(404, "Not Found"))
    return account


def described(account: Account, app: Client) -> dict[str, Any]:
    return {
        "id": account.data["installation_id"],
        "account": {"login": account.external_id, "type": account.data["type"], "id": account.pk},
        "target_type": account.data["type"],
        "app_id": int(app.extra["app_id"]),
        "permissions": PERMISSIONS,
        "events": [],
        "repository_selection": "all",
        "suspended_at": now().isoformat() if account.has("suspend") else None,
        "html_url": f"https://github.com/settings/installations/{account.data['installation_id']}",
    }


@provider.route("GET", API, r"/app")
def app(request: HttpRequest) -> HttpResponse:
    row = app_of(request)
    return JsonResponse({"id": int(row.extra["app_id"]), "slug": row.extra["slug"]})


@provider.route("GET DELETE", API, r"/app/installations/(?P<number>\d+)")
def installation(request: HttpRequest, number: str) -> HttpResponse:
    row = app_of(request)
    account = installed(row, number)
    if request.method == "DELETE":
        account.switch("uninstall")
        Grant.objects.filter(account=account).update(revoked=True)
        return HttpResponse(status=204)
    return JsonResponse(described(account, row))


@provider.route("POST", API, r"/app/installations/(?P<number>\d+)/access_tokens")
def mint(request: HttpRequest, number: str) -> HttpResponse:
    row = app_of(request)
    account = installed(row, number)
    faults.strike(request, provider, account)
    if account.has("suspend"):
        return api_error(403, "This installation has been suspended")
    grant = Grant.objects.filter(client=row, account=account, revoked=False).latest("pk")
    token = Token.issue(grant, Token.ACCESS, f"ghs_{row.extra['app_id']}_", LIFE_S)
    body = {
        "token": token.value,
        "expires_at": (token.expires_at or now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "permissions": PERMISSIONS,
        "repository_selection": "all",
    }
    return faults.maybe_lost(provider, account, JsonResponse(body, status=201))


def caller(request: HttpRequest, *, user: bool) -> Token:
    named(request)
    rows = Token.objects.select_related("grant__account", "grant__client")
    found = rows.filter(use=Token.ACCESS, value=bearer(request), grant__client__provider="github")
    token = found.first()
    if token is None or not token.alive() or bool(token.data.get("user")) != user:
        raise Answer(api_error(401, "Bad credentials"))
    account = token.grant.account
    faults.strike(request, provider, account)
    if account.has("suspend"):
        raise Answer(api_error(403, "This installation has been suspended"))
    faults.count(provider, account.external_id, allowed=5000, seconds=3600)
    return token


@provider.route("GET", API, r"/user/installations")
def user_installations(request: HttpRequest) -> HttpResponse:
    token = caller(request, user=True)
    mine = described(token.grant.account, token.grant.client)
    return JsonResponse({"total_count": 1, "installations": [mine]})


@provider.route("GET", API, r"/installation/repositories")
def repositories(request: HttpRequest) -> HttpResponse:
    token = caller(request, user=False)
    if token.grant.account.has("drop_scope"):
        return api_error(403, "Resource not accessible by integration")
    owner = token.grant.account.external_id
    rows = [{"id": n, "full_name": f"{owner}/{name}"} for n, name in enumerate(("sietch", "spice"))]
    return JsonResponse({"total_count": len(rows), "repositories": rows})


@provider.route("DELETE", API, r"/installation/token")
def drop_token(request: HttpRequest) -> HttpResponse:
    caller(request, user=False).spend()
    return HttpResponse(status=204)
