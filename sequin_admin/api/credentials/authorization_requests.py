"""/v1/credentials/start-auth and exchange-code: authorization on behalf of another product."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field

from sequin_admin.access.models import Scope
from sequin_admin.api.credentials.examples import STRIPE
from sequin_admin.api.framework.auth import ApiRequest, caller, require_scope
from sequin_admin.api.framework.errors import ERRORS, INVALID, ApiError
from sequin_admin.api.framework.resources import Resource
from sequin_admin.api.framework.schemas import EXAMPLE_ID, Body, Shape
from sequin_admin.connect import authorization_requests
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import OAuthApp
from sequin_admin.credentials.properties import MASK

router = Resource(
    "Auth gateway",
    "Let a customer connect an account from within your own product.",
)
KINDS = [kind.slug for kind in kinds.all() if kind.oauth]
STATE = "Any JSON of up to 5,000 bytes, handed back unchanged with the credential."
REDIRECT_URL = "https://app.arrakis.example/connected"


class StartAuth(Body):
    """The account to connect, and where the browser is sent afterwards."""

    examples = {
        "connect": {
            "credential_kind": "hubspot_oauth2",
            "oauth_app_id": EXAMPLE_ID,
            "redirect_url": REDIRECT_URL,
            "state": {"user": 42},
        }
    }

    credential_kind: str = Field(json_schema_extra={"enum": [*KINDS]})
    oauth_app_id: UUID = Field(
        description="The app that redirect_url is registered on. Where the client is ours it must "
        "be one at the provider; otherwise any of yours will do.",
    )
    redirect_url: str = Field(
        description="Where the browser goes with `code`, or with `error`. Must be registered as a "
        "redirect URI of the OAuth app."
    )
    state: Any = Field(default=None, description=STATE)


class Started(Shape):
    """Where to send the browser. The address works once."""

    start_url: str = Field(
        description="Send the browser here: once, within five minutes.",
        examples=["https://sequin.arrakis.example/link/oauth2/start/Jx3kQ9"],
    )


class ExchangeCode(Body):
    """The code from the redirect (RFC 6749 section 4.1.3)."""

    examples = {"exchange": {"code": "Jx3kQ9vT", "redirect_uri": REDIRECT_URL}}

    code: str = Field(description="As it came to redirect_url, within 60 seconds.")
    redirect_uri: str | None = Field(
        default=None, description="If given, must be the redirect_url of the start."
    )


class GivenCredential(Shape):
    """Not masked. Post it as it is to /v1/credentials to import it."""

    oauth_app_id: UUID | None
    properties: dict[str, Any] = Field(examples=[{**STRIPE, "secret": MASK}])


class Exchanged(Shape):
    """The properties of the new credential, which is not stored here, and the caller's `state`."""

    credential: GivenCredential
    state: Any = Field(description=STATE, examples=[{"user": 42}])


@router.post("/start-auth", response={200: Started, **ERRORS})
def start_auth(request: ApiRequest, payload: StartAuth) -> dict[str, Any]:
    """An address to which a browser is sent to connect an account."""
    organization = require_scope(request, Scope.WRITE)
    kind = kinds.find(payload.credential_kind)
    if kind is None or not kind.oauth:
        message = f"Choose a kind with an OAuth flow: {', '.join(KINDS)}."
        raise ApiError(422, INVALID, {"credential_kind": [message]})
    app = OAuthApp.objects.of(organization).filter(pk=payload.oauth_app_id).first()
    try:
        url = authorization_requests.start(
            organization,
            kind,
            actor=caller(request),
            redirect_url=payload.redirect_url,
            oauth_app=app,
            state=payload.state,
        )
    except authorization_requests.InvalidRequest as error:
        raise ApiError(422, INVALID, {error.field: [str(error)]}) from None
    return {"start_url": url}


@router.post("/exchange-code", response={200: Exchanged, **ERRORS})
def exchange_code(
    request: ApiRequest, payload: ExchangeCode, response: HttpResponse
) -> dict[str, Any]:
    """The credential of a finished authorization, not masked, once. It is not stored here."""
    organization = require_scope(request, Scope.SECRETS)
    try:
        given = authorization_requests.exchange(
            payload.code,
            actor=caller(request),
            organization=organization,
            redirect_uri=payload.redirect_uri,
        )
    except authorization_requests.InvalidCode as error:
        raise ApiError(422, INVALID, {"code": [str(error)]}) from None
    response["Cache-Control"] = "no-store"
    credential = {"oauth_app_id": given.oauth_app_id, "properties": given.properties}
    return {"credential": credential, "state": given.state}
