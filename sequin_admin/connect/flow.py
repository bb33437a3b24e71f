"""The authorization code flow: start a connect session, finish it with the callback."""

from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction

from sequin_admin.access.models import Organization, User
from sequin_admin.access.rights import RightLost, refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.connect import authorization_requests, credential_operations, links
from sequin_admin.connect.failures import customer_message, error_code, failure_message
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink, ConnectSession
from sequin_admin.connect.results import read_properties, save_session_credential
from sequin_admin.core import clock, pruning
from sequin_admin.core.actors import NOWHERE, Actor
from sequin_admin.core.redaction import redact_values
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.answers import reading_answers
from sequin_admin.credentials.kinds import OAuthContext, OAuthKind
from sequin_admin.credentials.models import FAILURES, Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.properties import Properties
from sequin_admin.tokens import protocol

SESSION_TIME = timedelta(minutes=10)


class BadCallback(Exception):
    """A callback without an open connect session of this browser. `str()` is for the person.

    `finished` is the session when it is this browser's, and had its answer before.
    """

    def __init__(self, sentence: str, finished: ConnectSession | None = None) -> None:
        super().__init__(sentence)
        self.finished = finished


def start(
    organization: Organization,
    kind: type[OAuthKind],
    *,
    session_key: str,
    user: User | None = None,
    link: ConnectLink | None = None,
    authorization_request: AuthorizationRequest | None = None,
    oauth_app: OAuthApp | None = None,
    inputs: Mapping[str, object] | None = None,
    name: str = "",
    details: Mapping[str, object] | None = None,
    reconnects: Credential | None = None,
    replaces_account: bool = False,
) -> str:
    """Create a connect session; returns the authorization URL to redirect the browser to.

    The session belongs to a `user`, a customer with a `link`, or an `authorization_request`.

    `inputs` are values of the properties in `kind.oauth.required_properties`. `details` may have
    the `contact_email` and `metadata` of a new credential, and the `scopes` to ask for instead of
    the app's. Raises pydantic's `ValidationError` when an input is invalid, `Refused` when the
    OAuth app is missing.
    """
    if kind.client_is_ours() and (oauth_app is None or oauth_app.provider != kind.provider):
        raise Refused(outcomes.no_app(kind.provider_title))
    declared = kind.properties_class.only(kind.oauth.required_properties)
    parsed: Properties = declared(**(inputs or {}))
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
        secrets={
            "verifier": verifier,
            "asked": parsed.plain_values(),
            "details": dict(details or {}),
        },
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
    inputs = connect_session.secrets["asked"]
    app, chosen = connect_session.oauth_app, connect_session.details.get("scopes", ())
    if app is None:
        client_id = str(inputs.get("client_id", ""))
        return OAuthContext(client_id, {}, inputs, callback or {}, tuple(chosen))
    scopes = tuple(chosen or app.scopes)
    return OAuthContext(app.client_id, app.url_params(), inputs, callback or {}, scopes)


def finish(
    params: Mapping[str, str],
    *,
    user: User | None,
    session_key: str,
    provider: str,
    origin: Actor = NOWHERE,
) -> ConnectSession:
    """Finish the connect session of `params` (the callback's query), which came from `origin`.

    Returns it with a `credential` (none for an authorization request, which stores the properties
    itself), or with a `failure` message, also when it has expired: then nothing was sent to the
    provider, and the person can start again. Raises `BadCallback` when there is no such session;
    then nothing was sent to the provider. Raises `RightLost` when whoever started it may no longer
    connect accounts; then nothing was stored.
    """
    connect_session = claim(
        params.get("state", ""), user=user, session_key=session_key, provider=provider
    )
    try:
        if connect_session.expires_at <= clock.now():
            raise Refused(outcomes.timed_out(kinds.get(connect_session.kind).provider_title))
        credential = complete(connect_session, params, origin)
    except RightLost as error:
        deny(connect_session, error, origin)
        raise
    except (*FAILURES, credential_operations.OtherAccount, links.LinkClosed) as error:
        return fail(connect_session, error)
    except Exception:
        # Our own mistake: the session is spent, so it says so.
        fail(connect_session, Refused(outcomes.our_mistake()))
        raise
    return finish_session(connect_session, credential=credential)


def claim(state: str, *, user: User | None, session_key: str, provider: str) -> ConnectSession:
    """Claim the session of `state`, once, before anything else. Raises `BadCallback`."""
    connect_session = ConnectSession.objects.filter(state_digest=protocol.digest(state)).first()
    kind = kinds.find(connect_session.kind) if connect_session else None
    mine = connect_session and connect_session.belongs_to(user, protocol.digest(session_key))
    if connect_session is None or kind is None or kind.provider != provider or not mine:
        raise BadCallback(
            "This answer belongs to no connection you started in this browser. Nothing was "
            "changed; go back to where you started and try again."
        )
    unfinished = ConnectSession.objects.filter(pk=connect_session.pk, finished_at=None)
    if not unfinished.update(finished_at=clock.now()):
        connect_session.refresh_from_db()
        raise BadCallback(
            "This connection was already finished. Nothing was changed; go back to where you "
            "started and try again.",
            finished=connect_session,
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
    """Finish a session without a credential, with a failure message and an error code."""
    declared, asked = kinds.get(connect_session.kind), connect_session.secrets.get("asked", {})
    known = [str(asked[n]) for n in declared.properties_class.secret_names() if n in asked]
    connect_session.failure = redact_values(failure_message(error), known)[:500]
    if connect_session.link:
        told = customer_message(error, connect_session.link)
        connect_session.customer_failure = redact_values(told, known)[:500]
    connect_session.error = error_code(error)
    if isinstance(error, Refused):
        connect_session.evidence = dict(error.outcome.without(known).evidence)
    if connect_session.link:
        links.fail(connect_session.link, connect_session.failure)
    return finish_session(connect_session)


def deny(connect_session: ConnectSession, error: RightLost, origin: Actor) -> None:
    """Finish a session whose right was lost, and record it."""
    organization = connect_session.organization
    fail(connect_session, error)
    actor = origin.acting_as(connect_session.actor)
    record_change(organization, "credential.connect_denied", actor, kind=connect_session.kind)


def refuse_lost_rights(connect_session: ConnectSession) -> None:
    """Raise `RightLost` when the person, or the key of the request, may no longer connect."""
    refuse_lost_right(connect_session.user, connect_session.organization)
    if connect_session.authorization_request:
        try:
            authorization_requests.refuse_withdrawn(connect_session.authorization_request)
        except authorization_requests.RequestClosed as closed:
            raise RightLost(str(closed)) from None


def complete(
    connect_session: ConnectSession, params: Mapping[str, str], origin: Actor
) -> Credential | None:
    """Exchange the code and save the credential; None for an authorization request.

    The right is asked before the exchange and, because that can take long, before the result is
    stored.
    """
    refuse_lost_rights(connect_session)
    if connect_session.link:
        links.refuse_closed(connect_session.link)
    kind = kinds.get_oauth(connect_session.kind)
    context = context_of(connect_session, params)
    if "error" in params:
        raise Refused(kind.classify_callback_error(params))
    kind.check_callback(context)
    verifier = connect_session.secrets["verifier"]
    with reading_answers(kind) as answers:
        grant = protocol.exchange(
            kind,
            context,
            code=params.get("code", ""),
            redirect_uri=protocol.redirect_uri(kind.provider),
            verifier=verifier,
        )
        properties = read_properties(kind, grant, context, answers)
    with transaction.atomic():
        refuse_lost_rights(connect_session)
        request = connect_session.authorization_request
        if request:
            authorization_requests.save_properties(request, properties)
            return None
        actor = origin.acting_as(connect_session.actor)
        return save_session_credential(connect_session, properties, grant, actor)


def prune() -> int:
    """Delete connect sessions that expired long ago. Returns how many."""
    before = pruning.cutoff("KEEP_CONNECT_SESSIONS_DAYS")
    return pruning.prune(ConnectSession.objects.filter(expires_at__lt=before), by="expires_at")
