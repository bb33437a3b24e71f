"""The token endpoint (RFC 6749 section 3.2)."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.chaos import apply_chaos, get_chaos
from sequin_admin.simulator.framework import SimulatedResponse, basic_credentials
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.models.grants import TOKEN_OF_CLIENT
from sequin_admin.simulator.oauth.authorization import AuthorizationEndpoint
from sequin_admin.simulator.oauth.requests import constant_time_equal, parse_json


def is_secret_of(client: SimulatedClient, secret: str) -> bool:
    """Whether it is the client's secret, or its staged one."""
    known = (client.client_secret, client.extra.get("staged_secret"))
    return any(constant_time_equal(one, secret) for one in known if one)


@dataclass(frozen=True)
class AuthorizationServer(AuthorizationEndpoint):
    """Both endpoints of one provider; subclasses override what differs."""

    def authenticate_client(
        self, request: HttpRequest, fields: Mapping[str, str]
    ) -> SimulatedClient:
        """The client, authenticated by `client_auth`. Raises `SimulatedResponse`."""
        if self.client_auth == "basic":
            client_id, secret = basic_credentials(request)
        else:
            client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
        client = self.find_client(request, client_id)
        if client is None or not is_secret_of(client, secret):
            raise SimulatedResponse(
                self.error(
                    "invalid_client", "Client authentication failed", self.client_error_status
                )
            )
        return client

    def parse_fields(self, request: HttpRequest) -> dict[str, str]:
        """The body's fields; none for a content type not in `body_formats`."""
        if request.content_type == "application/json":
            known = parse_json(request) if "json" in self.body_formats else {}
            return {name: str(value) for name, value in known.items()}
        return request.POST.dict() if "form" in self.body_formats else {}

    def token(self, request: HttpRequest) -> HttpResponse:
        """The token endpoint (RFC 6749 section 3.2)."""
        fields = self.parse_fields(request)
        faults.apply_faults(request, self.provider, None)
        apply_chaos(request, self.provider)
        client = self.authenticate_client(request, fields)
        grant_type = fields.get("grant_type", self.default_grant)
        if grant_type == "authorization_code":
            return self.token_response(
                request, self.redeem_code(client, fields), new_refresh_token=True
            )
        if grant_type == "refresh_token":
            return self.refresh_grant(request, client, fields.get("refresh_token", ""))
        if grant_type == "client_credentials" and self.client_credentials:
            return self.issue_to_client(request, client)
        raise SimulatedResponse(
            self.error("unsupported_grant_type", "This grant type is not supported", 400)
        )

    def issue_to_client(self, request: HttpRequest, client: SimulatedClient) -> HttpResponse:
        """Client credentials (RFC 6749 section 4.4): an access token without a refresh token."""
        account = SimulatedAccount.objects.get(
            provider=self.provider.slug, external_id=client.owner
        )
        faults.apply_faults(request, self.provider, account)
        self.check_account(account)
        grant, _ = SimulatedGrant.objects.get_or_create(
            client=client, account=account, machine=True, revoked=False
        )
        access = self.get_access_token(grant)
        body = {
            "access_token": access.value,
            "token_type": "bearer",
            "expires_in": access.remaining_s(),
            **self.extra_fields(grant),
        }
        return faults.maybe_lose_response(request, self.provider, account, JsonResponse(body))

    def check_account(self, account: SimulatedAccount) -> None:
        """Raise `SimulatedResponse` when the account's own client may not get a token."""

    def get_access_token(self, grant: SimulatedGrant) -> SimulatedToken:
        """A new access token or, with `reuses_access_token`, the one that is still valid."""
        if not self.reuses_access_token:
            return self.issue(grant, SimulatedToken.ACCESS)
        rows = grant.tokens.filter(use=SimulatedToken.ACCESS, spent_at=None, expires_at__gt=now())
        return rows.order_by("-expires_at").first() or self.issue(grant, SimulatedToken.ACCESS)

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        if use == SimulatedToken.ACCESS:
            return SimulatedToken.issue(grant, use, self.access_prefix, self.access_token_life_s())
        return SimulatedToken.issue(grant, use, self.refresh_prefix, self.refresh_life_s)

    def access_token_life_s(self) -> int | None:
        """Lifetime of an access token: as published, or by the chaos settings."""
        return get_chaos(self.provider).get("access_life_s", self.access_life_s)

    def redeem_code(self, client: SimulatedClient, fields: Mapping[str, str]) -> SimulatedGrant:
        """The grant of an authorization code, once. Raises `SimulatedResponse`."""
        code = self.find_token(client, SimulatedToken.CODE, fields.get("code", ""))
        fits = code and code.is_valid() and code.data["redirect_uri"] == fields.get("redirect_uri")
        if not code or not fits or not self.verify_pkce(code, fields) or not code.spend():
            raise SimulatedResponse(
                self.error("invalid_grant", "The code is invalid, expired or was used", 400)
            )
        return code.grant

    def verify_pkce(self, code: SimulatedToken, fields: Mapping[str, str]) -> bool:
        """PKCE (RFC 7636 sections 4.1 and 4.6)."""
        challenge, verifier = code.data["challenge"], fields.get("code_verifier", "")
        if not challenge:
            return self.pkce != "required"
        hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        return 43 <= len(verifier) <= self.longest_verifier and constant_time_equal(
            challenge, hashed.rstrip(b"=").decode()
        )

    def find_token(self, client: SimulatedClient, use: str, value: str) -> SimulatedToken | None:
        return TOKEN_OF_CLIENT.first(client=client.pk, use=use, value=value)

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token:
            faults.apply_faults(request, self.provider, token.grant.account)
        if token and token.spent_at and self.rotation == "grace":
            return self.replay_response(request, token)
        if token and token.spent_at and self.rotation == "strict":
            token.grant.revoke()
            token.grant.increment("reuses")
            state_of(request).reused_token = token.pk
        if token is None or not token.is_valid() or token.grant.account.has("disable_user"):
            return self.error(
                "invalid_grant", "The refresh token is invalid, expired or revoked", 400
            )
        if self.rotation != "constant":
            token.spend()
        return self.token_response(
            request, token.grant, new_refresh_token=self.rotation != "constant", source=token
        )

    def replay_response(self, request: HttpRequest, token: SimulatedToken) -> HttpResponse:
        """Within the grace period, repeat the response to this refresh token."""
        late = token.spent_at is None or token.spent_at + timedelta(seconds=self.grace_s) < now()
        if late or token.grant.revoked or "answer" not in token.data:
            return self.error("invalid_grant", "The refresh token was already used", 400)
        token.grant.increment("replays")
        return JsonResponse(token.data["answer"])

    def token_response(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        new_refresh_token: bool,
        source: SimulatedToken | None = None,
    ) -> HttpResponse:
        """A token response with a new refresh token, or with `source` again.

        `source` is the token that was exchanged; the response is stored in it for replays.
        """
        access = self.get_access_token(grant)
        refresh = source
        if new_refresh_token or source is None:
            refresh = self.issue(grant, SimulatedToken.REFRESH)
            state_of(request).issued_token = refresh.pk
        body = {
            "access_token": access.value,
            "refresh_token": refresh.value if refresh else "",
            "token_type": "bearer",
            "expires_in": access.remaining_s()
            if self.reuses_access_token
            else self.access_token_life_s(),
            **self.extra_fields(grant),
            **self.ends_of(grant, refresh),
        }
        if source is not None:
            source.set_answer(body)
        return faults.maybe_lose_response(request, self.provider, grant.account, JsonResponse(body))

    def ends_of(self, grant: SimulatedGrant, refresh: SimulatedToken | None) -> dict[str, Any]:
        """The end of the refresh token as a draft of the IETF names it, for who asked to be told;
        of one that is never replaced also that of all access.

        https://datatracker.ietf.org/doc/draft-ietf-oauth-refresh-token-expiration/
        """
        if refresh is None or refresh.expires_at is None or not grant.account.has("tell_ends"):
            return {}
        left = {"refresh_token_timeout": refresh.remaining_s()}
        if self.rotation != "constant":
            return left
        return {**left, "authorization_expires_in": refresh.remaining_s()}

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        """Provider-specific fields of the token response."""
        return {"scope": self.scope_separator.join(grant.scopes)}

    def find_access_token(self, value: str) -> SimulatedToken | None:
        """The valid access token of that value, if any."""
        return SimulatedToken.find_access(self.provider.slug, value)
