"""What the simulated GitHub's endpoints share: seed data, errors, limits, installations."""

from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import seed
from sequin_admin.simulator.framework import (
    ProviderSimulator,
    SimulatedResponse,
    bearer_token,
    whole_number,
)
from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient, now

HOST, API = r"github\.com", r"api\.github\.com"
PERMISSIONS = {"contents": "read", "issues": "write", "metadata": "read"}
LIFE_S = 3600
REPOSITORIES = ("sietch", "spice")
LIMIT, WINDOW_S = 5000, 3600
# Rows of a page.
USUAL, MOST = 30, 100


def api_error(status: int, message: str) -> HttpResponse:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return JsonResponse(body, status=status)


def throttled() -> HttpResponse:
    response = api_error(403, "API rate limit exceeded for installation.")
    for name, value in limit_headers(0, reset_s=60).items():
        response[name] = value
    return response


def limit_headers(left: int, *, reset_s: int = WINDOW_S) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(LIMIT),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-used": str(LIMIT - left),
        "x-ratelimit-reset": str(int((now() + timedelta(seconds=reset_s)).timestamp())),
        "x-ratelimit-resource": "core",
    }


def plant() -> None:
    if not SimulatedClient.objects.filter(provider="github").exists():
        seed.create_client(
            "github",
            client_id="Iv23liSimulatedApp",
            app_id="310104",
            slug="sequin-simulated",
            private_key=new_private_key(),
        )
    seed.create_account(
        "github", "paul-atreides", "paul-atreides", type="User", installation_id=47232440
    )
    seed.create_account(
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


provider = ProviderSimulator(
    "github",
    "GitHub",
    scopes=tuple(f"{name}: {level}" for name, level in PERMISSIONS.items()),
    switches=(
        "uninstall",
        "suspend",
        "drop_scope",
        "needs_approval",
        "many_installations",
        "enterprise",
    ),
    seed=plant,
    throttled=throttled,
)

API_URL = "https://api.github.com"


def require_user_agent(request: HttpRequest) -> None:
    """Raises `SimulatedResponse` (403) for a request without `User-Agent`, as GitHub does."""
    if not request.headers.get("User-Agent"):
        raise SimulatedResponse(
            api_error(403, "Request forbidden by administrative rules: no User-Agent.")
        )


def token_of(request: HttpRequest) -> str:
    """A token comes as `Bearer` or as `token`; a JWT as `Bearer` alone."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "token" else bearer_token(request)


def page_of(request: HttpRequest) -> tuple[int, int]:
    """The number of the page from 1 on, and its size: 30, or up to 100."""
    return (
        whole_number(request.GET.get("page"), 1),
        whole_number(request.GET.get("per_page"), USUAL, MOST),
    )


def paginate(request: HttpRequest, rows: list[dict[str, Any]], name: str = "") -> HttpResponse:
    """One page of a list, which is plain without a name."""
    number, size = page_of(request)
    shown = rows[(number - 1) * size : number * size]
    body = {"total_count": len(rows), name: shown} if name else shown
    response = JsonResponse(body, safe=False)
    return with_links(request, response, number, more=number * size < len(rows))


def with_links(
    request: HttpRequest, response: HttpResponse, page: int, *, more: bool
) -> HttpResponse:
    """With the header Link (RFC 8288), which leads to the pages before and after this one."""
    path = request.path.removeprefix("/api.github.com")
    links = [("prev", page - 1), ("first", 1)] if page > 1 else []
    links += [("next", page + 1)] if more else []
    urls = {n: f"{API_URL}{path}?{urlencode({**request.GET.dict(), 'page': n})}" for _, n in links}
    if links:
        response["Link"] = ", ".join(f'<{urls[n]}>; rel="{rel}"' for rel, n in links)
    return response


@lru_cache(maxsize=1000)
def simple_user(login: str, user_id: int, kind: str = "User") -> dict[str, Any]:
    """A user or an organization as GitHub shows it within others."""
    url = f"{API_URL}/users/{login}"
    lists = ("followers", "subscriptions", "organizations", "repos", "received_events")
    parts = {"following": "{/other_user}", "gists": "{/gist_id}", "starred": "{/owner}{/repo}"}
    return {
        **{"login": login, "id": user_id, "node_id": f"U_{user_id}", "type": kind},
        **{"avatar_url": f"https://avatars.githubusercontent.com/u/{user_id}", "gravatar_id": ""},
        **{"url": url, "html_url": f"https://github.com/{login}", "site_admin": False},
        **{f"{name}_url": f"{url}/{name}" for name in lists},
        **{f"{name}_url": f"{url}/{name}{rest}" for name, rest in parts.items()},
        "events_url": f"{url}/events{{/privacy}}",
    }


def owner_of(account: SimulatedAccount) -> dict[str, Any]:
    """The account as the owner of what it has."""
    return simple_user(account.external_id, account.pk, account.data["type"])


def enterprise_of(account: SimulatedAccount) -> dict[str, Any]:
    """Where the app is installed on an enterprise: it has no login."""
    page = f"https://github.com/enterprises/{account.external_id}"
    return {
        "id": account.pk,
        "node_id": f"E_{account.pk}",
        "slug": account.external_id,
        "name": account.name,
        "html_url": page,
        "avatar_url": f"https://avatars.githubusercontent.com/b/{account.pk}",
        **dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00Z"),
    }


def permissions_of(account: SimulatedAccount) -> dict[str, str]:
    """The permissions that the account accepted."""
    return {"metadata": "read"} if account.has("drop_scope") else PERMISSIONS


def installation_json(account: SimulatedAccount, app: SimulatedClient) -> dict[str, Any]:
    number = account.data["installation_id"]
    return {
        "id": number,
        "account": enterprise_of(account) if account.has("enterprise") else owner_of(account),
        "target_type": account.data["type"],
        "target_id": account.pk,
        "app_slug": app.extra["slug"],
        "client_id": app.client_id,
        "access_tokens_url": f"{API_URL}/app/installations/{number}/access_tokens",
        "repositories_url": f"{API_URL}/installation/repositories",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "single_file_name": None,
        "suspended_by": None,
        "app_id": int(app.extra["app_id"]),
        "permissions": permissions_of(account),
        "events": [],
        "repository_selection": "all",
        "suspended_at": now().isoformat() if account.has("suspend") else None,
        "html_url": f"https://github.com/settings/installations/{number}",
    }
