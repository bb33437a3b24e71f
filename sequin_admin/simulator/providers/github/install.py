"""The simulated GitHub's install page, and the exchange of the user's code."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator import consent, faults
from sequin_admin.simulator.models import (
    SimulatedAccount,
    SimulatedClient,
    SimulatedGrant,
    SimulatedToken,
)
from sequin_admin.simulator.oauth import CODE_LIFE_S, constant_time_equal, parse_json
from sequin_admin.simulator.providers.github.common import HOST, PERMISSIONS, provider
from sequin_admin.simulator.rows.collection import Fields

USER_TOKEN_LIFE_S, USER_REFRESH_LIFE_S = 28_800, 15_897_600


@provider.route("GET POST", HOST, r"/apps/(?P<slug>[\w-]+)/installations/new")
def install(request: HttpRequest, slug: str) -> HttpResponse:
    """The install page. It returns a code too, as the app requests user authorization."""
    app = SimulatedClient.objects.filter(provider="github", extra__slug=slug).first()
    if app is None or not app.redirect_uris:
        return consent.reject_client(request, provider, app)
    uri = request.GET.get("redirect_uri", app.redirect_uris[0])
    query = {**request.GET.dict(), "redirect_uri": uri}
    if uri not in app.redirect_uris:
        return consent.reject_client(request, provider, app)
    accounts = SimulatedAccount.objects.filter(provider="github").order_by("pk")
    if request.method == "GET":
        return consent.render_consent(request, provider, app, accounts, provider.scopes)
    if "allow" not in request.POST:
        denied = "The user denied access"
        return consent.redirect_to_client(query, error="access_denied", error_description=denied)
    account = consent.get_chosen_account(request, provider, accounts)
    if account.has("needs_approval"):
        return consent.redirect_to_client(query, setup_action="request")
    action = "update" if is_installed(app, account) else "install"
    for flag in ("uninstall", "drop_scope"):
        account.set_flag(flag, on=False)
    grant = SimulatedGrant.objects.create(client=app, account=account, scopes=list(PERMISSIONS))
    code = SimulatedToken.issue(grant, SimulatedToken.CODE, "", CODE_LIFE_S)
    number = str(account.data["installation_id"])
    return consent.redirect_to_client(
        query, code=code.value, installation_id=number, setup_action=action
    )


def is_installed(app: SimulatedClient, account: SimulatedAccount) -> bool:
    return app.grants.filter(account=account, revoked=False).exists()


@provider.route("POST", HOST, r"/login/oauth/access_token")
def user_token(request: HttpRequest) -> HttpResponse:
    """Responds with 200 even for an error, and form-encoded unless JSON is accepted."""
    faults.apply_faults(request, provider, None)
    is_json = request.content_type == "application/json"
    body = exchange_code(parse_json(request) if is_json else request.POST.dict())
    if "json" in request.headers.get("Accept", ""):
        return JsonResponse(body)
    return HttpResponse(urlencode(body), content_type="application/x-www-form-urlencoded")


def exchange_code(given: dict[str, str]) -> Fields:
    app = SimulatedClient.objects.filter(
        provider="github", client_id=given.get("client_id", "")
    ).first()
    if app is None or not constant_time_equal(app.client_secret, given.get("client_secret", "")):
        message = "The client_id and/or client_secret passed are incorrect."
        return {"error": "incorrect_client_credentials", "error_description": message}
    refreshes = given.get("grant_type") == "refresh_token"
    use, name = (
        (SimulatedToken.REFRESH, "refresh_token") if refreshes else (SimulatedToken.CODE, "code")
    )
    rows = SimulatedToken.objects.select_related("grant").filter(use=use, grant__client=app)
    found = rows.filter(value=given.get(name, "")).first()
    if found and found.is_valid() and found.spend():
        return user_tokens(found.grant)
    if refreshes:
        message = "The refresh token passed is incorrect or expired."
        return {"error": "bad_refresh_token", "error_description": message}
    message = "The code passed is incorrect or expired."
    return {"error": "bad_verification_code", "error_description": message}


def user_tokens(grant: SimulatedGrant) -> Fields:
    """A user's token for eight hours, and one to refresh it within six months, once.

    https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
    """
    access = SimulatedToken.issue(
        grant, SimulatedToken.ACCESS, "ghu_", USER_TOKEN_LIFE_S, user=True
    )
    refresh = SimulatedToken.issue(grant, SimulatedToken.REFRESH, "ghr_", USER_REFRESH_LIFE_S)
    return {
        "access_token": access.value,
        "expires_in": USER_TOKEN_LIFE_S,
        "refresh_token": refresh.value,
        "refresh_token_expires_in": USER_REFRESH_LIFE_S,
        "token_type": "bearer",
        "scope": "",
    }
