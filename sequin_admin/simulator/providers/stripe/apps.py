"""The simulated Stripe's second authorization server: Stripe Apps, with expiring tokens."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.providers.stripe.common import APPS, provider
from sequin_admin.simulator.providers.stripe.connect import StripeConnectSimulator, disconnect

API = r"api\.stripe\.com"
MARKETPLACE = r"marketplace\.stripe\.com"
ACCESS_LIFE_S, REFRESH_LIFE_S = 3600, 365 * 86_400


class StripeAppsSimulator(StripeConnectSimulator):
    """Permissions are in the app's manifest; no scope is requested."""

    owner = APPS

    def request_error(self, query: Mapping[str, str]) -> tuple[str, str]:
        mistake = self.invalid_request(query)
        return ("unsupported_response_type", mistake) if mistake else ("", "")

    def requested_scopes(self, query: Mapping[str, str]) -> list[str]:
        return ["stripe_apps"]


# Refresh tokens are single use; reuse is refused without revoking the grant (`grace_s` is 0).
server = StripeAppsSimulator(
    provider,
    pkce="none",
    refresh_prefix="rt_",
    access_life_s=ACCESS_LIFE_S,
    refresh_life_s=REFRESH_LIFE_S,
    rotation="grace",
)


@provider.route("GET POST", MARKETPLACE, r"/oauth/v2/(?:chnlink_\w+/)?authorize")
def authorize(request: HttpRequest) -> HttpResponse:
    return server.authorize(request)


@provider.route("POST", API, r"/v1/oauth/token")
def token(request: HttpRequest) -> HttpResponse:
    return server.token(request)


@provider.route("POST", API, r"/v1/oauth/deauthorize")
def deauthorize(request: HttpRequest) -> HttpResponse:
    return disconnect(server, request)
