"""The simulated Salesforce's authorization server, whose token responses are signed."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.models import SimulatedClient, SimulatedGrant, SimulatedToken, now
from sequin_admin.simulator.oauth import AuthorizationServer
from sequin_admin.simulator.providers.salesforce.common import ANY, domain_of, provider

IDLE_LIFE_S = 30 * 86_400


class SalesforceSimulator(AuthorizationServer):
    """PKCE is required, as partner apps must enable it. Rotation is an account's switch.

    A refresh token ends after 30 days without use. One that was rotated away revokes the grant.
    """

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token and token.grant.account.has("restrict_address"):
            return self.error("invalid_grant", "ip restricted", 400)
        if token and token.spent_at:
            token.grant.revoke()
            token.grant.increment("reuses")
        elif token and token.is_valid():
            token.set_end(now() + timedelta(seconds=IDLE_LIFE_S))
        return super().refresh_grant(request, client, value)

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        source: SimulatedToken | None = None,
    ) -> HttpResponse:
        """The response to a refresh has a refresh token only while rotation is on."""
        rotates = source is not None and grant.account.has("rotate_refresh_tokens")
        if source is not None and rotates:
            source.spend()
        access = self.issue(grant, SimulatedToken.ACCESS)
        body = {
            "access_token": f"{access.value}",
            "token_type": "Bearer",
            **self.extra_fields(grant),
        }
        if source is None or rotates:
            body["refresh_token"] = self.issue(grant, SimulatedToken.REFRESH).value
        if grant.account.has("foreign_login_host"):
            body["id"] = body["id"].replace("login.salesforce.com", "login.other.example")
        signed = f"{body['id']}{body['issued_at']}".encode()
        key = grant.client.client_secret.encode()
        made = hmac.new(key, signed, hashlib.sha256).digest()
        if grant.account.has("break_signature"):
            made = made[::-1]
        body["signature"] = base64.b64encode(made).decode()
        return faults.maybe_lose_response(request, provider, grant.account, JsonResponse(body))

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        account = grant.account
        return {
            "scope": " ".join(grant.scopes),
            "instance_url": f"https://{domain_of(account)}.my.salesforce.com",
            "id": f"https://login.salesforce.com/id/{account.external_id}/{account.data['user']}",
            "issued_at": str(int(now().timestamp() * 1000)),
        }


server = SalesforceSimulator(
    provider,
    pkce="required",
    # It knows no other, and jsforce names none.
    usual_challenge_method="S256",
    # 128 bytes in base64url, where RFC 7636 allows 128 characters.
    longest_verifier=171,
    access_prefix="00DSimulated!",
    refresh_prefix="5Aep",
    access_life_s=7200,
    refresh_life_s=IDLE_LIFE_S,
)


@provider.route("GET POST", ANY, r"/services/oauth2/authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", ANY, r"/services/oauth2/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", ANY, r"/services/oauth2/revoke")
def revoke(request: HttpRequest) -> HttpResponse:
    """Revoking a refresh token revokes its access tokens too."""
    row = SimulatedToken.objects.filter(
        value=request.POST.get("token", ""), grant__client__provider="salesforce"
    ).first()
    if row is None or not row.is_valid():
        return server.error("invalid_token", "invalid token", 400)
    row.grant.revoke()
    return HttpResponse(status=200)
