"""The simulated HubSpot's authorization server, in its current version and in version 1."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedGrant, SimulatedToken, now
from sequin_admin.simulator.oauth import AuthorizationServer
from sequin_admin.simulator.providers.hubspot.common import (
    API,
    DATED,
    allowed_scopes,
    api_error,
    provider,
)

APP_ID = 104
VERSION_1_ENDS = datetime(2027, 2, 16, tzinfo=UTC)
CLIENT_CODES = {
    "invalid_client": "BAD_CLIENT_SECRET",
    "unsupported_grant_type": "BAD_GRANT_TYPE",
}


def oauth_error(error: str, description: str, status: int) -> HttpResponse:
    code = CLIENT_CODES.get(error, "BAD_REQUEST")
    if error == "invalid_grant":
        of_code = "code" in description
        code = "BAD_AUTH_CODE" if of_code else "BAD_REFRESH_TOKEN"
        description = (
            f"{'authorization code' if of_code else 'refresh token'} is invalid, expired or revoked"
        )
    body = {"error": error, "error_description": description, "message": description}
    return JsonResponse({**body, "status": code}, status=status)


class HubSpotSimulator(AuthorizationServer):
    """Grants the optional scopes too, and names the hub beside the token."""

    def requested_scopes(self, query: Mapping[str, str]) -> list[str]:
        """Optional scopes are granted too: every simulated account has what they need."""
        return f"{query.get('scope', '')} {query.get('optional_scope', '')}".split()

    def invalid_request(self, query: Mapping[str, str]) -> str:
        return "" if query.get("scope") else "scope is required"

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        return {
            "hub_id": int(grant.account.external_id),
            "user_id": grant.account.data["user_id"],
            "scopes": allowed_scopes(grant),
            "token_use": "access_token",
        }


server = HubSpotSimulator(
    provider, access_life_s=1800, error=oauth_error, reset_by_consent=("uninstall", "drop_scope")
)


@provider.route("GET POST", r"app\.hubspot\.com", r"/oauth/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", API, rf"/oauth/{DATED}/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", API, r"/oauth/v1/token")
def old_token(request: HttpRequest) -> HttpResponse:
    """Version 1 returns neither the account nor the scopes."""
    refuse_if_version_ended()
    response = server.token(request)
    known = json.loads(response.content)
    if response.status_code == 200:
        names = ("token_type", "access_token", "refresh_token", "expires_in")
        response.content = json.dumps({name: known[name] for name in names}).encode()
    return response


def refuse_if_version_ended() -> None:
    """Raises `SimulatedResponse` (410) from the end of version 1 on."""
    if now() >= VERSION_1_ENDS:
        raise SimulatedResponse(
            api_error(410, "GONE", "This version of the OAuth API is no longer served.")
        )


@provider.route("POST", API, rf"/oauth/{DATED}/token/introspect")
def introspect(request: HttpRequest) -> HttpResponse:
    faults.apply_faults(request, provider, None)
    client = server.authenticate_client(request, request.POST.dict())
    found = SimulatedToken.objects.filter(value=request.POST.get("token", ""), grant__client=client)
    alive = next((row for row in found.select_related("grant__account") if row.is_valid()), None)
    if alive is None:
        return JsonResponse({"active": False})
    is_access = alive.use == SimulatedToken.ACCESS
    signed = {"signed_access_token": signed_token(alive)} if is_access else {}
    return JsonResponse({**token_info(alive), **signed})


def signed_token(token: SimulatedToken) -> dict[str, Any]:
    """What HubSpot's own services read of an access token; its texts mean nothing to others.

    https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/v1/get-oauth-token-metadata
    """
    account, opaque = token.grant.account, hashlib.sha256(token.value.encode()).hexdigest()
    texts = ("newSignature", "scopeToScopeGroupPks", "scopes", "signature")
    no = ("isPrivateDistribution", "isServiceAccount", "isUserLevel")
    user = dict.fromkeys(("installingUserId", "userId"), account.data["user_id"])
    return {
        "appId": APP_ID,
        "expiresAt": int((token.expires_at or now()).timestamp() * 1000),
        "hubId": int(account.external_id),
        "hublet": "na1",
        **user,
        **dict.fromkeys(texts, opaque),
        **dict.fromkeys(("trialScopes", "trialScopeToScopeGroupPks"), ""),
        **dict.fromkeys(no, False),
    }


@provider.route("GET", API, r"/oauth/v1/(?:access|refresh)-tokens/(?P<token>[^/]+)")
def legacy_token_info(request: HttpRequest, token: str) -> HttpResponse:
    refuse_if_version_ended()
    row = SimulatedToken.objects.filter(value=token, grant__client__provider="hubspot").first()
    if row is None or not row.is_valid():
        return api_error(404, "OBJECT_NOT_FOUND", "The token is invalid or expired")
    known, access = token_info(row), row.use == SimulatedToken.ACCESS
    names = ("token", "token_type", "hub_id", "hub_domain", "user", "user_id", "scopes")
    more = ("app_id", "expires_in") if access else ("client_id",)
    return JsonResponse({name: known[name] for name in (*names, *more) if name in known})


@provider.route("DELETE", API, r"/oauth/v1/refresh-tokens/(?P<token>[^/]+)")
def delete_refresh_token(request: HttpRequest, token: str) -> HttpResponse:
    """Revokes the refresh token only: access tokens stay valid, the app stays installed."""
    refuse_if_version_ended()
    row = SimulatedToken.objects.filter(
        value=token, use=SimulatedToken.REFRESH, grant__client__provider="hubspot"
    )
    if not row.filter(spent_at=None).update(spent_at=now()):
        return api_error(404, "OBJECT_NOT_FOUND", "The token is invalid or expired")
    return HttpResponse(status=204)


def token_info(token: SimulatedToken) -> dict[str, Any]:
    grant = token.grant
    known = {
        "active": True,
        "token": token.value,
        "is_private_distribution": False,
        "token_use": f"{token.use}_token",
        "token_type": "bearer",
        "hub_id": int(grant.account.external_id),
        "hub_domain": grant.account.data["hub_domain"],
        "user": f"admin@{grant.account.data['hub_domain']}",
        "user_id": grant.account.data["user_id"],
        "app_id": APP_ID,
        "client_id": grant.client.client_id,
        "scopes": allowed_scopes(grant),
    }
    if token.expires_at:
        known["expires_in"] = int((token.expires_at - now()).total_seconds())
    if grant.account.has("hide_domain"):
        del known["hub_domain"]
    return known


@provider.route("POST", API, rf"/oauth/{DATED}/token/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    client = server.authenticate_client(request, request.POST.dict())
    row = SimulatedToken.objects.filter(
        value=request.POST.get("token", ""), grant__client=client
    ).first()
    if row:
        row.grant.revoke()
    return HttpResponse(status=200)
