"""The authorization server that most providers share, with the points in which they differ."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render

from sequin_admin.sandbox import faults
from sequin_admin.sandbox.framework import Answer, Provider
from sequin_admin.sandbox.models import Account, Client, Grant, Token, now

CODE_LIFE_S = 300


def flat_error(error: str, description: str, status: int) -> HttpResponse:
    """RFC 6749 section 5.2."""
    return JsonResponse({"error": error, "error_description": description}, status=status)


@dataclass(frozen=True)
class Server:
    """How one provider's server behaves. `repeats_tokens`: who asks early gets the same one.

    `rotation`: `constant` (the refresh token stays), `strict` (single use; a reuse kills the
    grant), `grace` (single use, replayable for `grace_s`). Lives are in seconds, None is for ever.
    """

    provider: Provider
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

    def authorize(
        self, request: HttpRequest, *, path: str, extra: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The consent page (GET) and what the person decided (POST)."""
        query = request.GET
        client = self.clients(request).filter(client_id=query.get("client_id", "")).first()
        if client is None or query.get("redirect_uri") not in client.redirect_uris:
            return broken(request, self.provider, client)
        mistake = self.request_mistake(query)
        if mistake:
            return back(query, error="invalid_request", error_description=mistake)
        if request.method == "GET":
            return consent_page(request, self, client)
        if "allow" not in request.POST:
            return back(query, error="access_denied", error_description="The user denied access")
        account = self.accounts(request).get(external_id=request.POST["account"])
        grant = Grant.objects.create(
            client=client, account=account, scopes=self.asked_scopes(query)
        )
        data = {
            "redirect_uri": query["redirect_uri"],
            "challenge": query.get("code_challenge", ""),
        }
        code = Token.issue(grant, Token.CODE, "", CODE_LIFE_S, **data)
        return back(query, code=code.value, **(extra or {}), **self.returned(account))

    def returned(self, account: Account) -> dict[str, str]:
        """Parameters of the callback that tell which account was chosen."""
        return {}

    def clients(self, request: HttpRequest) -> QuerySet[Client]:
        """The apps known here: at a customer's own address (`request.tenant`) only theirs."""
        rows = Client.objects.filter(provider=self.provider.slug)
        tenant: Account | None = getattr(request, "tenant", None)
        return rows.filter(owner=tenant.external_id) if tenant else rows

    def accounts(self, request: HttpRequest) -> QuerySet[Account]:
        """Who can be chosen on the consent page."""
        rows = Account.objects.filter(provider=self.provider.slug).order_by("pk")
        tenant: Account | None = getattr(request, "tenant", None)
        return rows.filter(pk=tenant.pk) if tenant else rows

    def request_mistake(self, query: Mapping[str, str]) -> str:
        if query.get("response_type", "code") != "code":
            return "response_type must be code"
        if self.pkce == "required" and query.get("code_challenge_method") != "S256":
            return "code_challenge with code_challenge_method S256 is required"
        return ""

    def asked_scopes(self, query: Mapping[str, str]) -> list[str]:
        return [s for s in query.get("scope", "").split(self.scope_separator) if s]

    def client_of(self, request: HttpRequest, fields: Mapping[str, str]) -> Client:
        """The authenticated client, in the style this provider demands."""
        if self.client_auth == "basic":
            client_id, secret = basic_pair(request)
        else:
            client_id, secret = fields.get("client_id", ""), fields.get("client_secret", "")
        client = self.clients(request).filter(client_id=client_id).first()
        if client is None or not secrets.compare_digest(client.client_secret, secret):
            raise Answer(
                self.error("invalid_client", "Client authentication failed", self.client_status)
            )
        return client

    def fields_of(self, request: HttpRequest) -> dict[str, str]:
        """The body's fields. A body in the wrong encoding has none."""
        if request.content_type == "application/json":
            known = json.loads(request.body or b"{}") if "json" in self.takes else {}
            return {name: str(value) for name, value in known.items()}
        return request.POST.dict() if "form" in self.takes else {}

    def token(self, request: HttpRequest) -> HttpResponse:
        """The token endpoint: authorization_code and refresh_token."""
        fields = self.fields_of(request)
        faults.strike(request, self.provider, None)
        client = self.client_of(request, fields)
        if fields.get("grant_type", "authorization_code") == "authorization_code":
            return self.answer(request, self.redeem(client, fields), fresh=True)
        if fields.get("grant_type") == "refresh_token":
            return self.renew(request, client, fields.get("refresh_token", ""))
        if fields.get("grant_type") == "client_credentials" and self.client_credentials:
            return self.own_token(request, client)
        raise Answer(self.error("unsupported_grant_type", "This grant type is not supported", 400))

    def own_token(self, request: HttpRequest, client: Client) -> HttpResponse:
        """A token for the client itself (RFC 6749 section 4.4): no refresh token comes with it."""
        account = Account.objects.get(provider=self.provider.slug, external_id=client.owner)
        faults.strike(request, self.provider, account)
        self.vet(account)
        grant, _ = Grant.objects.get_or_create(
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

    def vet(self, account: Account) -> None:
        """Raise an `Answer` when the account's own client may have no token now."""

    def access_token(self, grant: Grant) -> Token:
        """A new one; or, where the provider does it so, the one that still lives."""
        rows = grant.tokens.filter(use=Token.ACCESS, spent_at=None, expires_at__gt=now())
        living = rows.order_by("-expires_at").first() if self.repeats_tokens else None
        return living or self.issue(grant, Token.ACCESS)

    def issue(self, grant: Grant, use: str) -> Token:
        if use == Token.ACCESS:
            return Token.issue(grant, use, self.access_prefix, self.access_life_s)
        return Token.issue(grant, use, self.refresh_prefix, self.refresh_life_s)

    def redeem(self, client: Client, fields: Mapping[str, str]) -> Grant:
        code = self.lookup(client, Token.CODE, fields.get("code", ""))
        fits = code and code.alive() and code.data["redirect_uri"] == fields.get("redirect_uri")
        if not code or not fits or not self.verified(code, fields) or not code.spend():
            raise Answer(
                self.error("invalid_grant", "The code is invalid, expired or was used", 400)
            )
        return code.grant

    def verified(self, code: Token, fields: Mapping[str, str]) -> bool:
        """PKCE (RFC 7636 section 4.6)."""
        challenge = code.data["challenge"]
        if not challenge:
            return self.pkce != "required"
        hashed = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        return bool(challenge == base64.urlsafe_b64encode(hashed).rstrip(b"=").decode())

    def lookup(self, client: Client, use: str, value: str) -> Token | None:
        rows = Token.objects.select_related("grant__account", "grant__client")
        return rows.filter(use=use, value=value, grant__client=client).first()

    def renew(self, request: HttpRequest, client: Client, value: str) -> HttpResponse:
        token = self.lookup(client, Token.REFRESH, value)
        if token:
            faults.strike(request, self.provider, token.grant.account)
        if token and token.spent_at and self.rotation == "grace":
            return self.replay(request, token)
        if token and token.spent_at and self.rotation == "strict":
            token.grant.revoke()
        if token is None or not token.alive() or token.grant.account.has("disable_user"):
            return self.error(
                "invalid_grant", "The refresh token is invalid, expired or revoked", 400
            )
        if self.rotation != "constant":
            token.spend()
        return self.answer(request, token.grant, fresh=self.rotation != "constant", kept=token)

    def replay(self, request: HttpRequest, token: Token) -> HttpResponse:
        """Within the grace time the same answer comes again."""
        late = token.spent_at is None or token.spent_at + timedelta(seconds=self.grace_s) < now()
        if late or token.grant.revoked or "answer" not in token.data:
            return self.error("invalid_grant", "The refresh token was already used", 400)
        return JsonResponse(token.data["answer"])

    def answer(
        self, request: HttpRequest, grant: Grant, *, fresh: bool, kept: Token | None = None
    ) -> HttpResponse:
        """A token response; `fresh` issues a new refresh token, else `kept` goes out again."""
        access = self.access_token(grant)
        refresh = kept
        if fresh or kept is None:
            refresh = self.issue(grant, Token.REFRESH)
        body = {
            "access_token": access.value,
            "refresh_token": refresh.value if refresh else "",
            "token_type": "bearer",
            "expires_in": access.lives_s() if self.repeats_tokens else self.access_life_s,
            **self.more(grant),
        }
        if kept is not None:
            kept.data["answer"] = body
            kept.save(update_fields=["data"])
        return faults.maybe_lost(self.provider, grant.account, JsonResponse(body))

    def more(self, grant: Grant) -> dict[str, Any]:
        """Fields of the token response beyond the common ones."""
        return {"scope": self.scope_separator.join(grant.scopes)}

    def access(self, value: str) -> Token | None:
        """The living access token of that value."""
        rows = Token.objects.select_related("grant__account", "grant__client")
        token = rows.filter(
            use=Token.ACCESS, value=value, grant__client__provider=self.provider.slug
        ).first()
        return token if token and token.alive() else None


def enter(request: HttpRequest, provider: Provider, external_id: str) -> Account:
    """The customer whose own address was called; from now on only their clients are known."""
    account = Account.objects.filter(
        provider=provider.slug, external_id__iexact=external_id
    ).first()
    if account is None:
        raise Answer(JsonResponse({"message": f"Nobody lives at {external_id}"}, status=404))
    request.tenant = account  # type: ignore[attr-defined]
    return account


def basic_pair(request: HttpRequest) -> tuple[str, str]:
    """Id and secret of HTTP Basic (RFC 7617)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        left, _, right = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return "", ""
    return left, right


def back(query: Mapping[str, str], **params: str) -> HttpResponse:
    """Send the browser back to the client with `params` and its own state."""
    state = {"state": query["state"]} if "state" in query else {}
    uri = query["redirect_uri"]
    joint = "&" if "?" in uri else "?"
    return HttpResponseRedirect(f"{uri}{joint}{urlencode({**params, **state})}")


def broken(request: HttpRequest, provider: Provider, client: Client | None) -> HttpResponse:
    """A wrong client or address is never sent back anywhere (RFC 6749 section 4.1.2.1)."""
    reason = (
        "This redirect URI is not registered for the app. Compare it with the developer page."
        if client
        else "No app has this client id. Compare it with the developer page."
    )
    page = {"provider": provider, "reason": reason}
    return render(request, "sandbox/broken.html", page, status=400)


def consent_page(request: HttpRequest, server: Server, client: Client) -> HttpResponse:
    page = {
        "provider": server.provider,
        "client": client,
        "accounts": server.accounts(request),
        "scopes": server.asked_scopes(request.GET) or server.provider.scopes,
    }
    return render(request, "sandbox/consent.html", page)
