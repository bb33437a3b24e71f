"""Authorization requests: another product sends a browser and exchanges a code."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from sequin_admin.connect import authorization_requests
from sequin_admin.core.actors import actor_of
from sequin_admin.core.availability import RETRY_AFTER_S, mark_told
from sequin_admin.core.strict_json import read_json
from sequin_admin.credentials import gateway_secrets, kinds
from sequin_admin.credentials.forms import PropertiesForm
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.gateway.pages import (
    public_page,
    redirect_to_provider,
    render_closed,
    session_key,
    show_form,
)

NEEDED = ("client_id", "client_secret", "code")
# The same for an unknown app, an app without a gateway secret and a wrong one: a caller who can't
# authenticate learns nothing about the app.
INVALID_CLIENT = (
    "client_id is our id of the OAuth app, client_secret its gateway secret, which is not the "
    "provider's. These two do not belong together, or the app has no gateway secret yet: make one "
    "on the app's page under OAuth apps, or at POST /v1/oauth-apps/{id}/gateway-secret."
)

AWAY = "Our database does not answer. Send the same again in some seconds."


@require_http_methods(["GET", "POST"])
@public_page
def start(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect to the provider, after a form if the kind requires properties (a shop's name)."""
    try:
        # First, because a browser without a session gets one only for an address that is valid.
        authorization_requests.find_request(token, request.session.session_key or "")
        authorization_request = authorization_requests.claim_request(token, session_key(request))
    except authorization_requests.RequestClosed as reason:
        return render_closed(request, reason)
    kind = kinds.get_oauth(authorization_request.kind)
    questions = kind.properties_class.only(kind.oauth.required_properties)
    answered = request.method == "POST" or not kind.oauth.required_properties
    form = PropertiesForm(
        questions, request.POST if answered else None, names=kind.oauth.required_properties
    )
    if answered and form.is_valid():
        return redirect_to_provider(
            request,
            kind,
            form,
            requester=authorization_request,
            authorization_request=authorization_request,
        )
    return show_form(request, kind, form, requester=authorization_request, action=request.path)


@csrf_exempt
@require_POST
@never_cache
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code for the credential in plain text, once. Errors as in RFC 6749 section 5.2,
    also while the database is away."""
    try:
        return exchange_code(request)
    except (OperationalError, InterfaceError) as error:
        answer = refuse(503, "temporarily_unavailable", AWAY)
        answer["Retry-After"] = str(RETRY_AFTER_S)
        mark_told(answer, error)
        return answer


def exchange_code(request: HttpRequest) -> HttpResponse:
    body = body_of(request)
    missing = [name for name in NEEDED if not isinstance(body.get(name), str) or not body[name]]
    if missing:
        return refuse(400, "invalid_request", f"Send {', '.join(missing)} as text.")
    app = app_of(body)
    if app is None:
        return refuse(401, "invalid_client", INVALID_CLIENT)
    redirect_uri = body.get("redirect_uri")
    try:
        given = authorization_requests.exchange(
            body["code"],
            actor=actor_of(request, app),
            oauth_app=app,
            redirect_uri=str(redirect_uri) if redirect_uri is not None else None,
        )
    except authorization_requests.InvalidCode as error:
        return refuse(400, "invalid_grant", str(error))
    credential = {"oauth_app_id": str(app.pk), "properties": given.properties}
    return JsonResponse({"credential": credential, "state": given.state})


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The parameters of a JSON body or, as in RFC 6749, of a form; empty when it is invalid."""
    if request.content_type != "application/json":
        return dict(request.POST.items())
    try:
        body = read_json(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def app_of(body: dict[str, Any]) -> OAuthApp | None:
    """The OAuth app with this id and gateway secret; None when they do not match."""
    try:
        app = OAuthApp.objects.defer("secrets").filter(pk=UUID(body["client_id"])).first()
    except (ValueError, ValidationError):
        return None
    return app if app and gateway_secrets.matches(app, body["client_secret"]) else None


def refuse(status: int, error: str, description: str) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)
