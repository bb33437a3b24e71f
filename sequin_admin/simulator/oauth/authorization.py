"""The authorization endpoint: the consent page and its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator import consent
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import ProviderSimulator
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
    remembered,
)
from sequin_admin.simulator.models.accounts import CLIENT, CLIENT_OF
from sequin_admin.simulator.oauth.requests import flat_error

CODE_LIFE_S = 300


@dataclass(frozen=True)
class AuthorizationEndpoint:
    """The options of one provider's server, and its authorization endpoint.

    `rotation` of refresh tokens: `constant` (none), `strict` (single use; reuse revokes the grant)
    or `grace` (single use; its response is repeated for `grace_s` seconds). `*_life_s` is in
    seconds, None for tokens that do not expire. `reuses_access_token`: a valid access token is
    returned again instead of a new one. `default_grant` is the grant type of a token request that
    names none, `usual_challenge_method` the method of an authorization request that names none.
    A new consent clears the account's flags in `reset_by_consent`.
    """

    provider: ProviderSimulator
    client_auth: str = "body"
    body_formats: str = "form"
    pkce: str = "optional"
    usual_challenge_method: str = "plain"
    longest_verifier: int = 128
    scope_separator: str = " "
    access_prefix: str = ""
    refresh_prefix: str = ""
    access_life_s: int | None = 3600
    refresh_life_s: int | None = None
    rotation: str = "constant"
    grace_s: int = 0
    error: Callable[[str, str, int], HttpResponse] = flat_error
    client_error_status: int = 400
    client_credentials: bool = False
    reuses_access_token: bool = False
    default_grant: str = ""
    reset_by_consent: tuple[str, ...] = ("uninstall",)

    def authorize(
        self, request: HttpRequest, *, extra: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The consent page (GET) and the person's decision (POST)."""
        query = request.GET
        client = self.find_client(request, query.get("client_id", ""))
        if client is None or query.get("redirect_uri") not in client.redirect_uris:
            return consent.reject_client(request, self.provider, client)
        error, mistake = self.refusal(request)
        if error:
            return consent.redirect_to_client(query, error=error, error_description=mistake)
        scopes = self.requested_scopes(query)
        if request.method == "GET":
            shown = scopes or self.provider.scopes
            return consent.render_consent(
                request, self.provider, client, self.accounts(request), shown
            )
        if "allow" not in request.POST:
            denied = "The user denied access"
            return consent.redirect_to_client(
                query, error="access_denied", error_description=denied
            )
        account = consent.get_chosen_account(request, self.provider, self.accounts(request))
        for flag in set(self.reset_by_consent) & set(account.state):
            account.set_flag(flag, on=False)
        grant = SimulatedGrant.objects.create(client=client, account=account, scopes=scopes)
        data = {
            "redirect_uri": query["redirect_uri"],
            "challenge": query.get("code_challenge", ""),
        }
        code = SimulatedToken.issue(grant, SimulatedToken.CODE, "", CODE_LIFE_S, **data)
        returned = {**(extra or {}), **self.callback_params(account)}
        return consent.redirect_to_client(query, code=code.value, **returned)

    def callback_params(self, account: SimulatedAccount) -> dict[str, str]:
        """Callback parameters that identify the chosen account."""
        return {}

    def client_owner(self, request: HttpRequest) -> str | None:
        """Whose clients are known: anybody's; at a customer's host (`tenant`) the customer's."""
        tenant = state_of(request).tenant
        return tenant.external_id if tenant else None

    def find_client(self, request: HttpRequest, client_id: str) -> SimulatedClient | None:
        known = {"provider": self.provider.slug, "client_id": client_id}
        owner = self.client_owner(request)
        return remembered(
            ("client", owner, *known.values()),
            lambda: (
                CLIENT.first(**known) if owner is None else CLIENT_OF.first(**known, owner=owner)
            ),
        )

    def accounts(self, request: HttpRequest) -> QuerySet[SimulatedAccount]:
        """The accounts offered on the consent page."""
        rows = SimulatedAccount.objects.filter(provider=self.provider.slug).order_by("pk")
        tenant = state_of(request).tenant
        return rows.filter(pk=tenant.pk) if tenant else rows

    def refusal(self, request: HttpRequest) -> tuple[str, str]:
        """As `request_error`, for what depends on the account whose host was called."""
        return self.request_error(request.GET)

    def request_error(self, query: Mapping[str, str]) -> tuple[str, str]:
        """Error code and description (RFC 6749 section 4.1.2.1); empty for a valid request."""
        mistake = self.invalid_request(query)
        return ("invalid_request", mistake) if mistake else ("", "")

    def invalid_request(self, query: Mapping[str, str]) -> str:
        """Why the authorization request is an `invalid_request`; empty for a valid one."""
        if query.get("response_type", "code") != "code":
            return "response_type must be code"
        method = query.get("code_challenge_method", self.usual_challenge_method)
        hashed = method == "S256" and query.get("code_challenge")
        if self.pkce == "required" and not hashed:
            return "code_challenge with code_challenge_method S256 is required"
        return ""

    def requested_scopes(self, query: Mapping[str, str]) -> list[str]:
        return [s for s in query.get("scope", "").split(self.scope_separator) if s]
