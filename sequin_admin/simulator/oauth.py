"""The authorization server that most providers share, with the points in which they differ."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import consent, faults
from sequin_admin.simulator.framework import ProviderSimulator, SimulatedResponse, basic_pair
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)

CODE_LIFE_S = 300


def flat_error(error: str, description: str, status: int) -> HttpResponse:
    """RFC 6749 section 5.2."""
    return JsonResponse({"error": error, "error_description": description}, status=status)


@dataclass(frozen=True)
class AuthorizationServer:
    """How one provider's server behaves. `repeats_tokens`: who asks early gets the same one.

    `rotation`: `constant` (the refresh token stays), `strict` (single use; a reuse kills the
    grant), `grace` (single use, replayable for `grace_s`). Lives are in seconds, None is for ever.
    `default_grant` is what a token call asks for that names no grant type, if it may do so.
    `restores` are the switches that are off again once the person consents anew.
    """

    provider: ProviderSimulator
    client_auth: str = "body"
    takes: str = "form"
    pkce: str = "optional"
    scope_separator: str = " "
    access_prefix: str = ""
    refresh_prefix: str = ""
    access_life_s: int | None = 3600
    refresh_life_s: int | None = None
    rotation: str = "constant"
    grace_s: int = 0
    error: Callable[[str, str, int], HttpResponse] = flat_error
    client_status: int = 400
    client_credentials: bool = False
    repeats_tokens: bool = False
    default_grant: str = ""
    restores: tuple[str, ...] = ("uninstall",)

    def authorize(
        self, request: HttpRequest, *, extra: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The consent page (GET) and what the person decided (POST)."""
        query = request.GET
        client = self.clients(request).filter(client_id=query.get("client_id", "")).first()
        if client is None or query.get("redirect_uri") not in client.redirect_uris:
            return consent.broken(request, self.provider, client)
        error, mistake = self.request_error(query)
        if error:
            return consent.back(query, error=error, error_description=mistake)
        scopes = self.asked_scopes(query)
        if request.method == "GET":
            shown = scopes or self.provider.scopes
            return consent.page(request, self.provider, client, self.accounts(request), shown)
        if "allow" not in request.POST:
            denied = "The user denied access"
            return consent.back(query, error="access_denied", error_description=denied)
        account = consent.chosen(request, self.provider, self.accounts(request))
        for flag in set(self.restores) & set(account.state):
            account.switch(flag, on=False)
        grant = SimulatedGrant.objects.create(client=client, account=account, scopes=scopes)
        data = {
            "redirect_uri": query["redirect_uri"],
            "challenge": query.get("code_challenge", ""),
        }
        code = SimulatedToken.issue(grant, SimulatedToken.CODE, "", CODE_LIFE_S, **data)
        returned = {**(extra or {}), **self.returned(account)}
        return consent.back(query, code=code.value, **returned)

    def returned(self, account: SimulatedAccount) -> dict[str, str]:
        """Parameters of the callback that tell which account was chosen."""
        return {}

    def clients(self, request: HttpRequest) -> QuerySet[SimulatedClient]:
        """The apps known here: at a customer's own address (`request.tenant`) only theirs."""
        rows = SimulatedClient.objects.filter(provider=self.provider.slug)
        tenant: SimulatedAccount | None = getattr(request, "tenant", None)
        return rows.filter(owner=tenant.external_id) if tenant else rows

    def accounts(self, request: HttpRequest) -> QuerySet[SimulatedAccount]:
        """Who can be chosen on the consent page."""
        rows = SimulatedAccount.objects.filter(provider=self.provider.slug).order_by("pk")
        tenant: SimulatedAccount | None = getattr(request, "tenant", None)
        return rows.filter(pk=tenant.pk) if tenant else rows

    def request_error(self, query: Mapping[str, str]) -> tuple[str, str]:
        """Code and description of what the client did wrong (RFC 6749 section 4.1.2.1)."""
        mistake = self.request_mistake(query)
        return ("invalid_request", mistake) if mistake else ("", "")

    def request_mistake(self, query: Mapping[str, str]) -> str:
        if query.get("response_type", "code") != "code":
            return "response_type must be code"
        if self.pkce == "required" and query.get("code_challenge_method") != "S256":
            return "code_challenge with code_challenge_method S256 is required"
        return ""

    def asked_scopes(self, query: Mapping[str, str]) -> list[str]:
        return [s for s in query.get("scope", "").split(self.scope_separator) if s]

    def client_of(self, request: HttpRequest, fields: Mapping[str, str]) -> SimulatedClient:
        """The authenticated client, in the style this provider demands."""
        if self.client_auth == "basic":
            client_id, secret = basic_pair(request)
        else:
            client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
        client = self.clients(request).filter(client_id=client_id).first()
        if client is None or not same(client.client_secret, secret):
            raise SimulatedResponse(
                self.error("invalid_client", "Client authentication failed", self.client_status)
            )
        return client

    def fields_of(self, request: HttpRequest) -> dict[str, str]:
        """The body's fields. A body in the wrong encoding has none."""
        if request.content_type == "application/json":
            known = json_of(request) if "json" in self.takes else {}
            return {name: str(value) for name, value in known.items()}
        return request.POST.dict() if "form" in self.takes else {}

    def token(self, request: HttpRequest) -> HttpResponse:
        """The token endpoint: authorization_code and refresh_token."""
        fields = self.fields_of(request)
        faults.strike(request, self.provider, None)
        faults.roll_dice(request, self.provider)
        client = self.client_of(request, fields)
        grant_type = fields.get("grant_type", self.default_grant)
        if grant_type == "authorization_code":
            return self.answer(request, self.redeem(client, fields), fresh=True)
        if grant_type == "refresh_token":
            return self.renew(request, client, fields.get("refresh_token", ""))
        if grant_type == "client_credentials" and self.client_credentials:
            return self.own_token(request, client)
        raise SimulatedResponse(
            self.error("unsupported_grant_type", "This grant type is not supported", 400)
        )

    def own_token(self, request: HttpRequest, client: SimulatedClient) -> HttpResponse:
        """A token for the client itself (RFC 6749 section 4.4): no refresh token comes with it."""
        account = SimulatedAccount.objects.get(
            provider=self.provider.slug, external_id=client.owner
        )
        faults.strike(request, self.provider, account)
        self.vet(account)
        grant, _ = SimulatedGrant.objects.get_or_create(
            client=client, account=account, machine=True, revoked=False
        )
        access = self.access_token(grant)
        body = {
            "access_token": access.value,
            "token_type": "bearer",
            "expires_in": access.lives_s(),
            **self.more(grant),
        }
        return faults.maybe_lost(self.provider, account, JsonResponse(body))

    def vet(self, account: SimulatedAccount) -> None:
        """Raise an `Answer` when the account's own client may have no token now."""

    def access_token(self, grant: SimulatedGrant) -> SimulatedToken:
        """A new one; or, where the provider does it so, the one that still lives."""
        rows = grant.tokens.filter(use=SimulatedToken.ACCESS, spent_at=None, expires_at__gt=now())
        living = rows.order_by("-expires_at").first() if self.repeats_tokens else None
        return living or self.issue(grant, SimulatedToken.ACCESS)

    def issue(self, grant: SimulatedGrant, use: str) -> SimulatedToken:
        if use == SimulatedToken.ACCESS:
            return SimulatedToken.issue(grant, use, self.access_prefix, self.lives_s())
        return SimulatedToken.issue(grant, use, self.refresh_prefix, self.refresh_life_s)

    def lives_s(self) -> int | None:
        """How long an access token lives: as published, or shorter while chaos reigns."""
        return faults.chaos(self.provider).get("access_life_s", self.access_life_s)

    def redeem(self, client: SimulatedClient, fields: Mapping[str, str]) -> SimulatedGrant:
        code = self.lookup(client, SimulatedToken.CODE, fields.get("code", ""))
        fits = code and code.alive() and code.data["redirect_uri"] == fields.get("redirect_uri")
        if not code or not fits or not self.verified(code, fields) or not code.spend():
            raise SimulatedResponse(
                self.error("invalid_grant", "The code is invalid, expired or was used", 400)
            )
        return code.grant

    def verified(self, code: SimulatedToken, fields: Mapping[str, str]) -> bool:
        """PKCE (RFC 7636 sections 4.1 and 4.6)."""
        challenge, verifier = code.data["challenge"], fields.get("code_verifier", "")
        if not challenge:
            return self.pkce != "required"
        hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        return 43 <= len(verifier) <= 128 and same(challenge, hashed.rstrip(b"=").decode())

    def lookup(self, client: SimulatedClient, use: str, value: str) -> SimulatedToken | None:
        rows = SimulatedToken.objects.select_related("grant__account", "grant__client")
        return rows.filter(use=use, value=value, grant__client=client).first()

    def renew(self, request: HttpRequest, client: SimulatedClient, value: str) -> HttpResponse:
        token = self.lookup(client, SimulatedToken.REFRESH, value)
        if token:
            faults.strike(request, self.provider, token.grant.account)
        if token and token.spent_at and self.rotation == "grace":
            return self.replay(request, token)
        if token and token.spent_at and self.rotation == "strict":
            token.grant.revoke()
            token.grant.count("reuses")
        if token is None or not token.alive() or token.grant.account.has("disable_user"):
            return self.error(
                "invalid_grant", "The refresh token is invalid, expired or revoked", 400
            )
        if self.rotation != "constant":
            token.spend()
        return self.answer(request, token.grant, fresh=self.rotation != "constant", kept=token)

    def replay(self, request: HttpRequest, token: SimulatedToken) -> HttpResponse:
        """Within the grace time the same answer comes again."""
        late = token.spent_at is None or token.spent_at + timedelta(seconds=self.grace_s) < now()
        if late or token.grant.revoked or "answer" not in token.data:
            return self.error("invalid_grant", "The refresh token was already used", 400)
        token.grant.count("replays")
        return JsonResponse(token.data["answer"])

    def answer(
        self,
        request: HttpRequest,
        grant: SimulatedGrant,
        *,
        fresh: bool,
        kept: SimulatedToken | None = None,
    ) -> HttpResponse:
        """A token response; `fresh` issues a new refresh token, else `kept` goes out again."""
        access = self.access_token(grant)
        refresh = kept
        if fresh or kept is None:
            refresh = self.issue(grant, SimulatedToken.REFRESH)
        body = {
            "access_token": access.value,
            "refresh_token": refresh.value if refresh else "",
            "token_type": "bearer",
            "expires_in": access.lives_s() if self.repeats_tokens else self.lives_s(),
            **self.more(grant),
        }
        if kept is not None:
            kept.data["answer"] = body
            kept.save(update_fields=["data"])
        return faults.maybe_lost(self.provider, grant.account, JsonResponse(body))

    def more(self, grant: SimulatedGrant) -> dict[str, Any]:
        """Fields of the token response beyond the common ones."""
        return {"scope": self.scope_separator.join(grant.scopes)}

    def access(self, value: str) -> SimulatedToken | None:
        """The living access token of that value."""
        rows = SimulatedToken.objects.select_related("grant__account", "grant__client")
        token = rows.filter(
            use=SimulatedToken.ACCESS, value=value, grant__client__provider=self.provider.slug
        ).first()
        return token if token and token.alive() else None


def same(one: str, other: str) -> bool:
    """Compares in constant time; `compare_digest` takes other than ASCII only as bytes."""
    return secrets.compare_digest(one.encode(), other.encode())


def json_of(request: HttpRequest) -> dict[str, Any]:
    """The fields of a JSON body; what is not an object has none."""
    try:
        known = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def enter(request: HttpRequest, provider: ProviderSimulator, external_id: str) -> SimulatedAccount:
    """The customer whose own address was called; from now on only their clients are known."""
    account = SimulatedAccount.objects.filter(
        provider=provider.slug, external_id__iexact=external_id
    ).first()
    if account is None:
        raise SimulatedResponse(
            JsonResponse({"message": f"Nobody lives at {external_id}"}, status=404)
        )
    request.tenant = account  # type: ignore[attr-defined]
    return account
