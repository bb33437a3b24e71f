"""The two ends of a sign-on: to the OpenID provider, and back."""

from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from sequin_admin.core.http import Unreachable


@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """GET asks, so that no other site begins a sign-on; POST leads to the provider.

    It asks the provider first, so one caller may do so as often as try passwords.
    """
    limited: HttpResponse | None = None
    if request.method == "POST":
        limited = ratelimit.consume_or_429(request, action="login")
    return limited or run(request, provider_id)


@require_GET
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The callback."""
    return run(request, provider_id, is_back=True)


def run(request: HttpRequest, slug: str, *, is_back: bool = False) -> HttpResponse:
    """What allauth's view answers. Raises `Http404` for a provider that is not there.

    Loads what a sign-on needs, 6 MB, which a process without any leaves out.
    """
    if slug not in settings.OIDC_PROVIDERS:
        raise Http404("There is no such provider.")
    from allauth.socialaccount.providers.oauth2.client import OAuth2Error
    from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView

    from sequin_admin.dashboard.sign_on_protocol import SignOnClient

    view = OAuth2CallbackView if is_back else OAuth2LoginView
    try:
        response: HttpResponse = view.adapter_view(SignOnClient(request, slug))(request)
        return response
    except (OAuth2Error, Unreachable) as error:
        provider = get_adapter().get_provider(request, slug)
        page: HttpResponse = render_authentication_error(request, provider, exception=error)
        return page
