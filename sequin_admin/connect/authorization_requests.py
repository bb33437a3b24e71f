"""Authorization requests: another product sends a browser and exchanges a code for a credential.

One authorization server for every provider's flow, modelled on RFC 6749 section 4.1. No
credential is stored here: the product may import the result, or store it itself.
"""

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from oauthlib.common import add_params_to_uri

from sequin_admin.access.models import ApiKey, Organization
from sequin_admin.access.rights import RightLost, refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.connect.models import AuthorizationRequest, ConnectSession
from sequin_admin.core import clock, pruning
from sequin_admin.core.actors import Actor, AnyActor
from sequin_admin.core.fields import Secrets
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.properties import Properties
from sequin_admin.tokens import protocol

START_TIME = timedelta(minutes=5)
CODE_TIME = timedelta(seconds=60)
RETENTION = timedelta(minutes=20)
NO_APP = (
    "Send the id of the OAuth app that redirect_url is registered on. A kind whose client is the "
    "customer's takes any of your apps."
)
WITHDRAWN = (
    "The product that sent you here may no longer connect accounts, so nothing was connected. Tell "
    "its operator, who has to start again with an API key and a redirect URI that are valid."
)
STATE_BYTES = 5000
# A longer state is returned by the exchange only: URLs have a limited length.
STATE_CHARS_IN_URL = 1000
CLOSED = (
    "This address was used already, or is more than five minutes old. Go back to where you came "
    "from and start again."
)


class InvalidRequest(ValueError):
    """The arguments of `start()` are invalid. `field` names the argument, `str()` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class RequestClosed(Exception):
    """The start URL is unknown, used or expired. `str()` is the message for the person."""


class InvalidCode(Exception):
    """The code is unknown, used, expired or of another client. `str()` says what to do."""


@dataclass(frozen=True, repr=False)
class ExchangedCredential:
    """The result of an exchange: `properties` in plain text, `state` as passed to `start()`."""

    oauth_app_id: UUID | None
    properties: dict[str, Any]
    state: Any


def start(
    organization: Organization,
    kind: type[Credential],
    *,
    actor: AnyActor,
    redirect_url: str,
    oauth_app: OAuthApp | None = None,
    state: Any = None,
) -> str:
    """Create an authorization request; returns its start URL, valid once, for five minutes.

    Raises `InvalidRequest`.
    """
    if not kind.oauth:
        raise InvalidRequest(
            "credential_kind", f"{kind.full_title()} has no OAuth flow. Import it."
        )
    if kind.client_is_ours() and (oauth_app is None or oauth_app.provider != kind.provider):
        raise InvalidRequest(
            "oauth_app_id", f"Send the id of an OAuth app at {kind.provider_title}."
        )
    if oauth_app is None:
        raise InvalidRequest("oauth_app_id", NO_APP)
    if redirect_url not in oauth_app.redirect_uris:
        raise InvalidRequest(
            "redirect_url",
            "This address is not registered. Add it to the redirect URIs of the OAuth app first.",
        )
    if len(json.dumps(state, ensure_ascii=False).encode()) > STATE_BYTES:
        raise InvalidRequest("state", f"The state may have up to {STATE_BYTES:,} bytes of JSON.")
    token, key = secrets.token_urlsafe(32), Actor.of(actor).row
    authorization_request = AuthorizationRequest(
        organization=organization,
        kind=kind.slug,
        oauth_app=oauth_app if kind.client_is_ours() else None,
        api_key=key if isinstance(key, ApiKey) else None,
        redirect_app=oauth_app,
        redirect_url=redirect_url,
        secrets={"state": state},
        token_digest=protocol.digest(token),
        expires_at=clock.now() + START_TIME,
    )
    with transaction.atomic():
        authorization_request.save()
        record_change(authorization_request, "handover.started", actor)
    return f"{settings.PUBLIC_URL}/link/oauth2/start/{token}"


def refuse_withdrawn(authorization_request: AuthorizationRequest) -> None:
    """Raise `RequestClosed` when the key that started it no longer holds, or its redirect URI is
    no longer registered."""
    try:
        refuse_lost_right(authorization_request.api_key, authorization_request.organization)
    except RightLost:
        raise RequestClosed(WITHDRAWN) from None
    if authorization_request.redirect_url not in authorization_request.redirect_app.redirect_uris:
        raise RequestClosed(WITHDRAWN)


def find_request(token: str, session_key: str) -> AuthorizationRequest:
    """The request of a start URL that this browser session may use. Raises `RequestClosed`.

    `session_key` is empty for a browser without a session, which needs one only for a valid URL.
    """
    rows = AuthorizationRequest.objects.select_related("organization", "oauth_app")
    unused = rows.filter(expires_at__gt=clock.now(), code_digest=None)
    free = models.Q(session_digest="") | models.Q(session_digest=protocol.digest(session_key))
    found = unused.filter(free, token_digest=protocol.digest(token)).first()
    if found is None:
        raise RequestClosed(CLOSED)
    return found


def claim_request(token: str, session_key: str) -> AuthorizationRequest:
    """As `find_request()`, and bind the request to this session.

    The same session may load the URL again; no other one may.
    """
    authorization_request = find_request(token, session_key)
    if not bind_to_session(authorization_request, protocol.digest(session_key)):
        raise RequestClosed(CLOSED)
    refuse_withdrawn(authorization_request)
    return authorization_request


def bind_to_session(authorization_request: AuthorizationRequest, session_digest: str) -> bool:
    """Bind an unbound request to the session. False when it is bound to another one."""
    free = AuthorizationRequest.objects.filter(pk=authorization_request.pk, session_digest="")
    if free.update(session_digest=session_digest):
        return True
    return hmac.compare_digest(authorization_request.session_digest, session_digest)


def save_properties(authorization_request: AuthorizationRequest, properties: Properties) -> None:
    """Store the credential's properties, encrypted, until the code is exchanged."""
    given = {"kind": authorization_request.kind, **properties.plain_values()}
    authorization_request.secrets = {**authorization_request.secrets, "properties": given}
    authorization_request.save(update_fields=["secrets"])


def complete_request(
    authorization_request: AuthorizationRequest, connect_session: ConnectSession
) -> str:
    """Issue a code; returns the redirect URL with it, or with an error (RFC 6749 section 4.1.2)."""
    if connect_session.error:
        description = printable(connect_session.failure)
        return redirect_to(
            authorization_request, error=connect_session.error, error_description=description
        )
    code = secrets.token_urlsafe(32)
    authorization_request.code_digest = protocol.digest(code)
    authorization_request.code_expires_at = clock.now() + CODE_TIME
    authorization_request.save(update_fields=["code_digest", "code_expires_at"])
    return redirect_to(authorization_request, code=code)


def redirect_to(authorization_request: AuthorizationRequest, **params: str) -> str:
    state = authorization_request.secrets["state"]
    if isinstance(state, str) and 0 < len(state) <= STATE_CHARS_IN_URL:
        params["state"] = state
    return str(add_params_to_uri(authorization_request.redirect_url, list(params.items())))


def printable(sentence: str) -> str:
    """Replace the characters that RFC 6749 does not allow in `error_description`."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in sentence)


def exchange(
    code: str,
    *,
    actor: AnyActor,
    organization: Organization | None = None,
    oauth_app: OAuthApp | None = None,
    redirect_uri: str | None = None,
) -> ExchangedCredential:
    """Exchange a code for the credential, once. Raises `InvalidCode`.

    The caller must have authenticated as the `organization` or with the secret of `oauth_app`.
    """
    mine = {"organization": organization} if organization else {"oauth_app": oauth_app}
    with transaction.atomic():
        rows = AuthorizationRequest.objects.select_for_update().filter(**mine)
        authorization_request = rows.filter(code_digest=protocol.digest(code)).first()
        if authorization_request is None or not usable(
            authorization_request, redirect_uri, clock.now()
        ):
            raise InvalidCode(
                "This code is unknown, was exchanged before, or is more than 60 seconds old; or "
                "it belongs to another app or redirect URI. Start the connection again."
            )
        try:
            refuse_withdrawn(authorization_request)
        except RequestClosed:
            raise InvalidCode(
                "The API key that started this connection no longer holds, or its redirect URI is "
                "no longer registered. Start the connection again with a valid key."
            ) from None
        stored = authorization_request.secrets
        properties, state = stored["properties"], stored["state"]
        authorization_request.secrets, authorization_request.exchanged_at = {}, clock.now()
        authorization_request.save(update_fields=["secrets", "exchanged_at"])
        record_change(authorization_request, "handover.exchanged", actor)
    return ExchangedCredential(authorization_request.oauth_app_id, in_order(properties), state)


def usable(
    authorization_request: AuthorizationRequest, redirect_uri: str | None, at: datetime
) -> bool:
    in_time = (
        authorization_request.code_expires_at is not None
        and authorization_request.code_expires_at > at
    )
    same = redirect_uri is None or redirect_uri == authorization_request.redirect_url
    return in_time and same and authorization_request.exchanged_at is None


def in_order(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties in declared order, `kind` first."""
    names = kinds.get(properties["kind"]).properties_class.names()
    return Secrets({name: properties[name] for name in ("kind", *names) if name in properties})


def prune() -> int:
    """Delete requests with an expired code or older than `RETENTION`. Returns how many."""
    before = {"code_expires_at": clock.now(), "created_at": clock.now() - RETENTION}
    return sum(
        pruning.prune(AuthorizationRequest.objects.filter(**{f"{by}__lt": at}), by=by)
        for by, at in before.items()
    )
