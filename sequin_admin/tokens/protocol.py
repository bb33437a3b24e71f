"""The OAuth 2 protocol: authorization URLs and calls to token endpoints. Stateless."""

import hashlib
from collections.abc import Mapping

from django.conf import settings
from oauthlib.common import generate_token
from oauthlib.oauth2 import WebApplicationClient
from oauthlib.oauth2.rfc6749.parameters import prepare_grant_uri

from sequin_admin.core import http, tracing
from sequin_admin.core.fields import Secrets
from sequin_admin.core.http import Response
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.answers import reading_answers, text_of
from sequin_admin.credentials.kinds import OAuthContext, OAuthKind, TokenGrant
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused

TOKEN_DEADLINE_S: float = settings.TOKEN_DEADLINE_S
STATE_CHARS = 43  # 256 bits in the alphabet of RFC 7636, which every provider takes


def new_state() -> str:
    return str(generate_token(STATE_CHARS))


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def pkce_pair() -> tuple[str, str]:
    """A code verifier and its S256 challenge (RFC 7636 section 4)."""
    verifier = generate_token(64)
    return verifier, WebApplicationClient("").create_code_challenge(verifier, "S256")


def redirect_uri(provider: str) -> str:
    """The provider's redirect URI, which must be registered there exactly like this."""
    return f"{settings.PUBLIC_URL}/link/oauth2/callback/{provider}"


def install_url(app: OAuthApp) -> str:
    """The URL that the provider opens when somebody installs the app there."""
    return install_url_of(app.provider, str(app.pk))


def install_url_of(provider: str, app_id: str) -> str:
    return f"{settings.PUBLIC_URL}/link/{provider}/install/{app_id}"


def authorize_url(
    kind: type[OAuthKind], context: OAuthContext, *, redirect_uri: str, state: str, challenge: str
) -> str:
    """The URL of the authorization request (RFC 6749 section 4.1.1)."""
    flow = kind.flow_for(context.app)
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"} if flow.pkce else {}
    url: str = prepare_grant_uri(
        flow.authorize_url.format(**kind.url_params(context)),
        context.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=flow.scope_separator.join(context.scopes or flow.scopes) or None,
        state=state,
        **pkce,
        **flow.authorize_params,
    )
    return http.rewrite_url(url)


def call_token_endpoint(
    url: str,
    fields: Mapping[str, str],
    *,
    client_id: str,
    client_secret: str,
    auth: str = "client_secret_post",
    body: str = "form",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One POST to a token endpoint with client authentication (RFC 6749 section 2.3.1).

    `auth` is `client_secret_post`, `client_secret_basic` or `client_secret_as_user` (the secret as
    the user name of Basic authentication). `body` is `form` or `json`. Raises `Unreachable`.
    """
    users = {
        "client_secret_basic": (client_id, client_secret),
        "client_secret_as_user": (client_secret, ""),
    }
    basic = users.get(auth)
    in_body = Secrets() if basic else Secrets(client_id=client_id, client_secret=client_secret)
    sent = {"form" if body == "form" else "json": Secrets({**fields, **in_body})}
    return http.post(url, headers=headers, basic=basic, deadline_s=TOKEN_DEADLINE_S, **sent)


def request_client_credentials(credential: Credential, url: str, **fields: str) -> TokenGrant:
    """A token for the credential's own client (RFC 6749 section 4.4). Raises `Refused`."""
    response = call_token_endpoint(
        url,
        {"grant_type": "client_credentials", **fields},
        client_id=credential.properties["client_id"],
        client_secret=credential.secrets["client_secret"],
    )
    return parse_grant(type(credential), response)


def parse_grant(kind: type[Credential], response: Response) -> TokenGrant:
    """A token endpoint's response as `TokenGrant`. Raises `Refused`, also for an error with status
    200. A member `error` that is null or empty is none."""
    with reading_answers(kind, response):
        data = response.data()
        if not response.ok or data.get("error") or "access_token" not in data:
            outcome = kind.classify_token_error(response)
            raise Refused(outcomes.unless_foreign(outcome, kind.provider_title))
        return read_grant(kind, response, data)


def read_grant(
    kind: type[Credential], response: Response, data: Mapping[str, object]
) -> TokenGrant:
    """The grant in `data`, the members of a successful `response`.

    Raises `Refused` when the access token is no text or blank, or when the kind can't read the
    rest. The refusal keeps a refresh token that came with it: the provider may already have
    replaced the former one.
    """
    refresh_token = text_of(data.get("refresh_token"))
    try:
        with reading_answers(kind, response):
            if not text_of(data.get("access_token")):
                raise Refused(outcomes.unexpected_answer(kind.provider_title, response))
            grant = kind.parse_grant(data)
    except Refused as refusal:
        raise Refused(refusal.outcome, refresh_token=refresh_token) from None
    return grant


def exchange(
    kind: type[OAuthKind], context: OAuthContext, *, code: str, redirect_uri: str, verifier: str
) -> TokenGrant:
    """Exchange an authorization code for a grant (RFC 6749 section 4.1.3). Raises `Refused`."""
    flow = kind.flow_for(context.app)
    fields = Secrets(grant_type="authorization_code", code=code, redirect_uri=redirect_uri)
    if flow.pkce:
        fields["code_verifier"] = verifier
    return parse_grant(kind, _call_token_endpoint(kind, context, fields))


def refresh(kind: type[OAuthKind], context: OAuthContext, refresh_token: str) -> TokenGrant:
    """Use a refresh token (RFC 6749 section 6). Raises `Refused`."""
    fields = Secrets(grant_type="refresh_token", refresh_token=refresh_token)
    return parse_grant(kind, _call_token_endpoint(kind, context, fields))


def _call_token_endpoint(
    kind: type[OAuthKind], context: OAuthContext, fields: Mapping[str, str]
) -> Response:
    flow = kind.flow_for(context.app)
    with tracing.about(provider=kind.provider, kind=kind.slug):
        return call_token_endpoint(
            flow.token_url.format(**kind.url_params(context)),
            Secrets({**fields, **flow.token_params}),
            client_id=context.client_id,
            client_secret=str(context.url_params["client_secret"]),
            auth=flow.client_auth,
            body=flow.body,
            headers=flow.token_headers,
        )
