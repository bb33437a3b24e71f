"""The simulated Shopify's authorization server: signed callbacks, expiring offline tokens."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from sequin_admin.sandbox import faults
from sequin_admin.sandbox.framework import Answer
from sequin_admin.sandbox.models import Client, Grant, Token, now
from sequin_admin.sandbox.oauth import Server
from sequin_admin.sandbox.providers.shopify.common import SHOP, provider

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
REFRESH_LIFE_S = 7_776_000  # 90 days


class Shopify(Server):
    """The previous refresh token may be retried until its replacement is first used."""

    def accounts(self, request: HttpRequest) -> Any:
        return super().accounts(request).filter(external_id=request.shop)  # type: ignore[attr-defined]

    def redeem(self, client: Client, fields: Any) -> Grant:
        """Shopify does not take the redirect URI again."""
        code = self.lookup(client, Token.CODE, fields.get("code", ""))
        if code is None or not code.alive() or not code.spend():
            raise Answer(self.error("invalid_request", "The code was not found or was used", 400))
        return code.grant

    def renew(self, request: HttpRequest, client: Client, value: str) -> HttpResponse:
        token = self.lookup(client, Token.REFRESH, value)
        if token is None or token.grant.revoked or not self.usable(token):
            return self.error("invalid_grant", "The refresh token is not valid", 400)
        faults.strike(request, provider, token.grant.account)
        if token.spent_at:
            return JsonResponse(token.data["answer"])
        self.predecessors(token).update(expires_at=now())
        token.spend()
        return self.answer(request, token.grant, fresh=True, kept=token)

    def usable(self, token: Token) -> bool:
        return token.expires_at is None or token.expires_at > now()

    def predecessors(self, token: Token) -> Any:
        """Using a token ends the retries of the one before it."""
        return token.grant.tokens.filter(use=Token.REFRESH, pk__lt=token.pk)

    def more(self, grant: Grant) -> dict[str, Any]:
        life = {"refresh_token_expires_in": REFRESH_LIFE_S}
        return {"scope": ",".join(grant.scopes), **life}


server = Shopify(
    provider,
    takes="json form",
    pkce="none",
    scope_separator=",",
    access_prefix="shpat_",
    refresh_prefix="shprt_",
    refresh_life_s=REFRESH_LIFE_S,
    default_grant="authorization_code",
)


def signature(params: dict[str, str], secret: str) -> str:
    message = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


@provider.route("GET POST", SHOP, r"/admin/oauth/authorize")
def authorize(request: HttpRequest, shop: str) -> HttpResponse:
    """What goes back is signed with the app's secret; a refusal is not."""
    request.shop = shop  # type: ignore[attr-defined]
    response = server.authorize(request)
    if not isinstance(response, HttpResponseRedirect):
        return response
    target = urlsplit(response.url)
    params = dict(parse_qsl(target.query))
    if "code" not in params:
        return response
    client = Client.objects.get(provider="shopify", client_id=request.GET["client_id"])
    params |= {"shop": shop, "timestamp": str(int(now().timestamp())), "host": "YWRtaW4"}
    params["hmac"] = signature(params, client.client_secret)
    return HttpResponseRedirect(
        f"{target.scheme}://{target.netloc}{target.path}?{urlencode(params)}"
    )


@provider.route("POST", SHOP, r"/admin/oauth/access_token")
def token(request: HttpRequest, shop: str) -> HttpResponse:
    fields = server.fields_of(request)
    if fields.get("grant_type") == EXCHANGE:
        return exchange(request, fields)
    response = server.token(request)
    never = fields.get("grant_type") != "refresh_token" and fields.get("expiring") != "1"
    return everlasting(response) if response.status_code == 200 and never else response


def everlasting(response: HttpResponse) -> HttpResponse:
    """Without `expiring` the token has no end and no refresh token."""
    body = json.loads(response.content)
    Token.objects.filter(value=body["access_token"]).update(expires_at=None)
    Token.objects.filter(value=body["refresh_token"]).delete()
    kept = {name: body[name] for name in ("access_token", "scope")}
    return JsonResponse(kept)


def exchange(request: HttpRequest, fields: dict[str, str]) -> HttpResponse:
    """An old token without end for one that expires."""
    client = server.client_of(request, fields)
    old = Token.objects.filter(value=fields.get("subject_token", ""), grant__client=client).first()
    if old is None or not old.alive():
        return server.error("invalid_subject_token", "The subject token is not valid", 400)
    old.spend()
    return server.answer(request, old.grant, fresh=True)
