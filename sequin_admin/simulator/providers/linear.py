"""Simulated Linear: GraphQL, rotation with a grace period."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults, seed
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, bearer_token
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedGrant, SimulatedToken, now
from sequin_admin.simulator.oauth import AuthorizationServer

API = r"api\.linear\.app"
HOURLY = 5000


def graphql_error(status: int, type_: str, code: str, message: str) -> HttpResponse:
    extensions = {"type": type_, "code": code, "userPresentableMessage": message}
    body = {"errors": [{"message": message, "extensions": extensions}]}
    return JsonResponse(body, status=status)


def throttled() -> HttpResponse:
    response = graphql_error(400, "ratelimited", "RATELIMITED", "Rate limit exceeded")
    response["X-RateLimit-Requests-Limit"] = str(HOURLY)
    response["X-RateLimit-Requests-Remaining"] = "0"
    reset = now() + timedelta(hours=1)
    response["X-RateLimit-Requests-Reset"] = str(int(reset.timestamp() * 1000))
    return response


def plant() -> None:
    seed.create_client("linear", client_id="linear-simulated-client")
    seed.create_account(
        "linear", "abc123", "Arrakis Inc.", url_key="arrakis", viewer="Paul Atreides"
    )
    seed.create_account(
        "linear", "def456", "Giedi Prime Ltd.", url_key="giedi", viewer="Feyd-Rautha"
    )


provider = ProviderSimulator(
    "linear",
    "Linear",
    scopes=("read", "write", "issues:create"),
    switches=("spend_refresh", "drop_scope", "disable_user"),
    seed=plant,
    throttled=throttled,
)


class LinearSimulator(AuthorizationServer):
    """Always grants `read`, as Linear does."""

    def requested_scopes(self, query: Mapping[str, str]) -> list[str]:
        """`read` is always included."""
        asked = [s for s in query.get("scope", "").split(",") if s]
        return asked if "read" in asked else ["read", *asked]

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        """Scopes are comma-separated in the request and space-separated in the response."""
        return {"scope": " ".join(grant.scopes), "token_type": "Bearer"}


server = LinearSimulator(
    provider,
    scope_separator=",",
    access_prefix="lin_oauth_",
    access_life_s=86_399,
    rotation="grace",
    grace_s=1800,
    client_error_status=401,
)


@provider.route("GET POST", r"linear\.app", r"/oauth/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", API, r"/oauth/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", API, r"/oauth/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """Status: 200 revoked, 400 already revoked, 401 unknown token."""
    row = SimulatedToken.objects.filter(
        value=request.POST.get("token") or bearer_token(request), grant__client__provider="linear"
    ).first()
    if row is None:
        return server.error("invalid_token", "The token is unknown", 401)
    if row.grant.revoked:
        return server.error("invalid_request", "The token was revoked before", 400)
    row.grant.revoke()
    return HttpResponse(status=200)


@provider.route("POST", API, r"/graphql")
def graphql(request: HttpRequest) -> HttpResponse:
    """Returns the fields whose names are in the query; errors may come with 200."""
    grant = caller(request)
    query = str(json.loads(request.body or b"{}").get("query", ""))
    if grant.account.has("drop_scope"):
        return graphql_error(200, "forbidden", "FORBIDDEN", "You don't have permission")
    data: dict[str, Any] = {}
    known = grant.account
    if "viewer" in query:
        email = f"{known.data['url_key']}@example.com"
        data["viewer"] = {"id": f"user-{known.pk}", "name": known.data["viewer"], "email": email}
    if "organization" in query:
        url_key = known.data["url_key"]
        data["organization"] = {"id": known.external_id, "name": known.name, "urlKey": url_key}
    if "issues" in query:
        nodes = [{"id": f"issue-{n}", "title": f"Issue {n}"} for n in range(1, 6)]
        data["issues"] = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    if not data:
        return graphql_error(400, "graphql error", "GRAPHQL_VALIDATION_FAILED", "Cannot query that")
    return JsonResponse({"data": data})


def caller(request: HttpRequest) -> SimulatedGrant:
    """The grant of the bearer token; counts the call. Raises `SimulatedResponse`."""
    token = server.find_access_token(bearer_token(request))
    if token is None:
        code = "AUTHENTICATION_ERROR"
        raise SimulatedResponse(
            graphql_error(401, "authentication error", code, "Authentication required")
        )
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    count_call(provider, account.external_id, allowed=HOURLY, seconds=3600)
    return token.grant
