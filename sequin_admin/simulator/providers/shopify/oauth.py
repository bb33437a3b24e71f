"""The simulated Shopify's authorization server: installs, codes, refreshes, exchanges."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from sequin_admin.simulator import consent, faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    now,
)
from sequin_admin.simulator.oauth import AuthorizationServer
from sequin_admin.simulator.providers.shopify.common import SHOP, provider

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
EXCHANGE_RETRY_S = 7 * 86_400
REFRESH_RETRY = timedelta(days=30)
REFRESH_LIFE_S = 7_776_000  # 90 days
NOT_INSTALLABLE = "No app has this client id, or its App URL is not set on the developer page."


class ShopifySimulator(AuthorizationServer):
    """The previous refresh token may be retried until its replacement is first used."""

    def accounts(self, request: HttpRequest) -> QuerySet[SimulatedAccount]:
        return super().accounts(request).filter(external_id=state_of(request).shop)

    def redeem_code(self, client: SimulatedClient, fields: Mapping[str, str]) -> SimulatedGrant:
        """Shopify does not expect the redirect URI again."""
        code = self.find_token(client, SimulatedToken.CODE, fields.get("code", ""))
        if code is None or not code.is_valid() or not code.spend():
            raise SimulatedResponse(
                self.error("invalid_request", "The code was not found or was used", 400)
            )
        return code.grant

    def refresh_grant(
        self, request: HttpRequest, client: SimulatedClient, value: str
    ) -> HttpResponse:
        token = self.find_token(client, SimulatedToken.REFRESH, value)
        if token is None or token.grant.revoked or not self.usable(token):
            return self.error("invalid_grant", "The refresh token is not valid", 400)
        faults.apply_faults(request, provider, token.grant.account)
        if token.spent_at:
            return self.repeat_refresh(token)
        self.predecessors(token).update(expires_at=now())
        token.spend()
        return self.token_response(request, token.grant, new_refresh_token=True, source=token)

    def repeat_refresh(self, token: SimulatedToken) -> HttpResponse:
        """For 30 days at most, and until the replacement is used, with an access token that lives.

        https://shopify.dev/changelog of 28 August 2026
        """
        answer = token.data["answer"]
        if token.spent_at is None or token.spent_at + REFRESH_RETRY < now():
            return self.error("invalid_grant", "The refresh token is not valid", 400)
        token.grant.increment("replays")
        ends = now() + timedelta(seconds=answer["expires_in"])
        SimulatedToken.objects.filter(value=answer["access_token"]).update(expires_at=ends)
        return JsonResponse(answer)

    def usable(self, token: SimulatedToken) -> bool:
        return token.expires_at is None or token.expires_at > now()

    def predecessors(self, token: SimulatedToken) -> QuerySet[SimulatedToken]:
        """The refresh tokens before this one; using it ends their retries."""
        return token.grant.tokens.filter(use=SimulatedToken.REFRESH, pk__lt=token.pk)

    def extra_fields(self, grant: SimulatedGrant) -> dict[str, Any]:
        life = {"refresh_token_expires_in": REFRESH_LIFE_S}
        return {"scope": ",".join(grant.scopes), **life}


server = ShopifySimulator(
    provider,
    body_formats="json form",
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


def sign_query(client: SimulatedClient, shop: str, **params: str) -> str:
    """The signed query that Shopify adds to a URL of the app."""
    sent = {**params, "shop": shop, "timestamp": str(int(now().timestamp())), "host": "YWRtaW4"}
    return urlencode({**sent, "hmac": signature(sent, client.client_secret)})


@provider.route("GET", SHOP, r"/admin/oauth/install")
def install(request: HttpRequest, shop: str) -> HttpResponse:
    """Shopify opens the App URL after the merchant pressed Install."""
    client = SimulatedClient.objects.filter(
        provider="shopify", client_id=request.GET.get("client_id", "")
    ).first()
    app_url = client.extra.get("app_url") if client else None
    if client is None or not app_url:
        return consent.render_error(request, provider, NOT_INSTALLABLE)
    return HttpResponseRedirect(f"{app_url}?{sign_query(client, shop)}")


@provider.route("GET POST", SHOP, r"/admin/oauth/authorize")
def authorize(request: HttpRequest, shop: str) -> HttpResponse:
    """The callback is signed with the app's secret, except for an error."""
    state_of(request).shop = shop
    response = server.authorize(request)
    if not isinstance(response, HttpResponseRedirect):
        return response
    target = urlsplit(response.url)
    params = dict(parse_qsl(target.query))
    if "code" not in params:
        return response
    client = SimulatedClient.objects.get(provider="shopify", client_id=request.GET["client_id"])
    address = f"{target.scheme}://{target.netloc}{target.path}"
    return HttpResponseRedirect(f"{address}?{sign_query(client, shop, **params)}")


@provider.route("POST", SHOP, r"/admin/oauth/access_token")
def token(request: HttpRequest, shop: str) -> HttpResponse:
    fields = server.parse_fields(request)
    if fields.get("grant_type") == EXCHANGE:
        return exchange(request, fields)
    response = server.token(request)
    never = fields.get("grant_type") != "refresh_token" and fields.get("expiring") != "1"
    return without_expiry(response) if response.status_code == 200 and never else response


def without_expiry(response: HttpResponse) -> HttpResponse:
    """Without `expiring` the access token does not expire and has no refresh token."""
    body = json.loads(response.content)
    SimulatedToken.objects.filter(value=body["access_token"]).update(expires_at=None)
    SimulatedToken.objects.filter(value=body["refresh_token"]).delete()
    fields = {name: body[name] for name in ("access_token", "scope")}
    return JsonResponse(fields)


def exchange(request: HttpRequest, fields: dict[str, str]) -> HttpResponse:
    """Exchange a token that does not expire for a pair that does; a retry gets the same pair."""
    client = server.authenticate_client(request, fields)
    kinds = {fields.get("subject_token_type"), fields.get("requested_token_type")}
    if kinds != {OFFLINE} or fields.get("expiring") != "1":
        return server.error("invalid_request", "Only offline tokens become expiring ones", 400)
    old = server.find_token(client, SimulatedToken.ACCESS, fields.get("subject_token", ""))
    if old is None or old.grant.revoked or old.expires_at:
        return server.error("invalid_subject_token", "The subject token is not valid", 400)
    faults.apply_faults(request, provider, old.grant.account)
    if old.spent_at:
        return repeat_exchange(old)
    old.spend()
    return server.token_response(request, old.grant, new_refresh_token=True, source=old)


def repeat_exchange(old: SimulatedToken) -> HttpResponse:
    """Repeat the response to an exchange.

    https://shopify.dev/changelog/more-resilient-token-exchanges-when-migrating-tokens-without-a-user-session
    """
    answer = old.data["answer"]
    pair = SimulatedToken.objects.filter(
        value__in=(answer["access_token"], answer["refresh_token"])
    )
    late = old.spent_at is None or old.spent_at + timedelta(seconds=EXCHANGE_RETRY_S) < now()
    if late or pair.exclude(spent_at=None).exists():
        return server.error("invalid_subject_token", "The subject token is not valid", 400)
    ends = now() + timedelta(seconds=answer["expires_in"])
    pair.filter(use=SimulatedToken.ACCESS).update(expires_at=ends)
    return JsonResponse(answer)
