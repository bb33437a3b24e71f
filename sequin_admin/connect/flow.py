"""The round trip to a provider: out with a state, back with a code, into a stored credential."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import audit_trail, authorization_requests, credential_operations, links
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink, ConnectSession
from sequin_admin.core import clock
from sequin_admin.core.http import Unreachable
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.kinds import OAuthContext, TokenGrant
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties
from sequin_admin.tokens import protocol, renewal

SESSION_TIME = timedelta(minutes=10)


class BadCallback(Exception):
    """A callback that belongs to no open trip of this browser. `str()` is the sentence to show."""


def start(
    organization: Organization,
    kind: Any,
    *,
    session_key: str,
    user: User | None = None,
    link: ConnectLink | None = None,
    authorization_request: AuthorizationRequest | None = None,
    oauth_app: OAuthApp | None = None,
    asked: Mapping[str, Any] | None = None,
    name: str = "",
    reconnects: Credential | None = None,
    replaces_account: bool = False,
) -> str:
    """Open a trip and return the address to send the browser to.

    It is the trip of a `user` here, of a customer with a `link`, or of a `handover`.

    `asked` are values of the properties in `kind.oauth.asks`. Raises pydantic's `ValidationError`
    when one of them is not what its declaration says, `Refused` when the OAuth app is missing.
    """
    if kind.client_is_ours() and (oauth_app is None or oauth_app.provider != kind.provider):
        raise Refused(outcomes.no_app(kind.provider_title))
    questions = kind.properties_class.only(kind.oauth.required_properties)
    answers: Properties = questions(**(asked or {}))
    given = answers.plain_values()
    state, (verifier, challenge) = protocol.new_state(), protocol.pkce_pair()
    connect_session = ConnectSession(
        organization=organization,
        user=user,
        link=link,
        authorization_request=authorization_request,
        session_digest=protocol.digest(session_key),
        state_digest=protocol.digest(state),
        kind=kind.slug,
        oauth_app=oauth_app,
        reconnects=reconnects,
        replaces_account=replaces_account,
        name=name,
        secrets={"verifier": verifier, "asked": given},
        expires_at=clock.now() + SESSION_TIME,
    )
    connect_session.save()
    return protocol.authorize_url(
        kind,
        context_of(connect_session),
        redirect_uri=protocol.redirect_uri(kind.provider),
        state=state,
        challenge=challenge,
    )


def context_of(
    connect_session: ConnectSession, callback: Mapping[str, str] | None = None
) -> OAuthContext:
    asked = connect_session.secrets["asked"]
    app = connect_session.oauth_app
    if app is None:
        return OAuthContext(str(asked.get("client_id", "")), {}, asked, callback or {})
    return OAuthContext(app.client_id, app.url_params(), asked, callback or {}, tuple(app.scopes))


def finish(
    params: Mapping[str, str], *, user: User | None, session_key: str, provider: str
) -> ConnectSession:
    """End the trip that `params` (the callback's query) belongs to.

    Returns the attempt with a `credential` (a handover keeps what came of it itself), or with a
    `failure` sentence. Raises `BadCallback` when there is no such trip, and then nothing has been
    sent to the provider.
    """
    connect_session = claim(
        params.get("state", ""), user=user, session_key=session_key, provider=provider
    )
    try:
        credential = complete(connect_session, params)
    except (Refused, credential_operations.OtherAccount, links.LinkClosed, Unreachable) as error:
        return fail(connect_session, error)
    return finish_session(connect_session, credential=credential)


def claim(state: str, *, user: User | None, session_key: str, provider: str) -> ConnectSession:
    """The open trip of `state`, which is used up by this. State is checked before anything else."""
    now = clock.now()
    connect_session = ConnectSession.objects.filter(state_digest=protocol.digest(state)).first()
    kind = kinds.get(connect_session.kind) if connect_session else None
    mine = connect_session and connect_session.belongs_to(user, protocol.digest(session_key))
    if connect_session is None or kind is None or kind.provider != provider or not mine:
        raise BadCallback(
            "This answer belongs to no connection you started in this browser. Nothing was "
            "changed; go back to where you started and try again."
        )
    if not ConnectSession.objects.open(now).filter(pk=connect_session.pk).update(finished_at=now):
        raise BadCallback(
            "This connection was already finished, or it was started more than ten minutes ago. "
            "Nothing was changed; go back to where you started and try again."
        )
    return connect_session


def finish_session(
    connect_session: ConnectSession, *, credential: Credential | None = None
) -> ConnectSession:
    connect_session.credential, connect_session.secrets = credential, {}
    connect_session.finished_at = clock.now()
    connect_session.save()
    return connect_session


def fail(connect_session: ConnectSession, error: Exception) -> ConnectSession:
    """End a trip without a credential, and say why to whoever sent the browser on it."""
    connect_session.failure, connect_session.error = sentence(error)[:500], error_code(error)
    if connect_session.link:
        links.fail(connect_session.link, connect_session.failure)
    return finish_session(connect_session)


def sentence(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.outcome.sentence
    return str(error)


def error_code(error: Exception) -> str:
    """The code of RFC 6749 section 4.1.2.1 that says to another product whose move it is."""
    if isinstance(error, Unreachable):
        return "temporarily_unavailable"
    verdict = error.outcome.verdict if isinstance(error, Refused) else Verdict.CUSTOMER
    ours = {Verdict.TRANSIENT: "temporarily_unavailable", Verdict.OPERATOR: "server_error"}
    return ours.get(verdict, "access_denied")


def complete(connect_session: ConnectSession, params: Mapping[str, str]) -> Credential | None:
    """From a callback to a stored credential, or to a handover that has what it needs."""
    if connect_session.link:
        links.refuse_closed(connect_session.link)
    kind, context = kinds.get(connect_session.kind), context_of(connect_session, params)
    if "error" in params:
        raise Refused(kind.classify_callback_error(params))
    kind.check_callback(context)
    grant = protocol.exchange(
        kind,
        context,
        code=params.get("code", ""),
        redirect_uri=protocol.redirect_uri(kind.provider),
        verifier=connect_session.secrets["verifier"],
    )
    properties = read_properties(kind, grant, context)
    if connect_session.authorization_request:
        authorization_requests.seal(connect_session.authorization_request, properties)
        return None
    with transaction.atomic():
        return store_credential(connect_session, properties, grant)


def store_credential(
    connect_session: ConnectSession, properties: Properties, grant: TokenGrant
) -> Credential:
    """Store what came of a trip, and spend its link in the same transaction."""
    if connect_session.reconnects:
        credential = reconnect(connect_session, connect_session.reconnects, properties, grant)
    else:
        credential, _ = credential_operations.save_credential(
            connect_session.organization,
            properties,
            name=connect_session.name,
            metadata=connect_session.link.metadata or None if connect_session.link else None,
            oauth_app=connect_session.oauth_app,
            actor=connect_session.actor,
            grant=grant,
        )
    if connect_session.link:
        links.complete(connect_session.link, credential)
    return credential


def read_properties(kind: Any, grant: TokenGrant, context: OAuthContext) -> Properties:
    """The kind's properties: asked, issued with the grant, and read from the account."""
    discovered = kind.identify(grant, context)
    values = {"kind": kind.slug, **context.asked, **renewal.issued(kind, grant), **discovered}
    try:
        properties: Properties = kind.properties_class.model_validate(values)
    except ValidationError as invalid:
        names = lacking(invalid)
        raise Refused(outcomes.incomplete(kind.provider_title, names)) from None
    return properties


def lacking(invalid: ValidationError) -> list[str]:
    """The names of the properties that are missing or have another form than declared."""
    errors = invalid.errors(include_input=False, include_url=False)
    missing = [str(name) for error in errors for name in error["loc"][:1]]
    odd = [error["ctx"]["names"] for error in errors if error["type"] == "match"]
    return missing + odd


def reconnect(
    connect_session: ConnectSession,
    credential: Credential,
    properties: Properties,
    grant: TokenGrant,
) -> Credential:
    """Put a fresh grant into an existing credential, which stays for the same account."""
    identity = credential.identity_of(properties.public_values())
    if identity != credential.identity and not connect_session.replaces_account:
        came = credential.describe_account(properties.public_values())
        raise credential_operations.OtherAccount(
            f"You connected {came}, but this credential is for {credential.describe()}. Nothing "
            f"was changed. Log in to {credential.describe()} at {credential.provider_title} and "
            "try again, or add the other account as a credential of its own."
        )
    before = credential.describe()
    credential_operations.set_properties(credential, properties)
    credential.oauth_app = connect_session.oauth_app
    credential_operations.refuse_duplicate(credential)
    credential.disabled_at = None
    credential.save()
    credential_operations.apply_grant(credential, grant)
    action = "credential.reconnected"
    if connect_session.replaces_account:
        action = "credential.account_replaced"
    audit_trail.record_credential_change(
        action, credential, connect_session.actor, before=before, after=credential.describe()
    )
    return credential


def prune(older_than: timedelta = timedelta(days=7)) -> int:
    """Forget trips that ended or ran out a while ago. Returns how many."""
    return ConnectSession.objects.filter(expires_at__lt=clock.now() - older_than).delete()[0]
