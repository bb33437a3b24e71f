"""The authorization code flow: start a connect session, finish it with the callback."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from sequin_admin.access.models import Organization, User
from sequin_admin.access.rights import RightLost, refuse_lost_right
from sequin_admin.audit.models import record_change
from sequin_admin.connect import authorization_requests, credential_operations, links
from sequin_admin.connect.models import AuthorizationRequest, ConnectLink, ConnectSession
from sequin_admin.core import clock
from sequin_admin.core.field_errors import errors_in
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.http import Response, Unreachable
from sequin_admin.core.redaction import redact_values
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.answers import reading_answers
from sequin_admin.credentials.kinds import OAuthContext, OAuthKind, TokenGrant
from sequin_admin.credentials.models import FAILURES, Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import chains, grants, protocol

SESSION_TIME = timedelta(minutes=10)
START_AGAIN = "Nothing was connected. Start again in a few minutes."
COMPARE_SETTINGS = (
    "Start again; if it happens twice, compare the scopes and token settings of the app at the "
    "provider with the guide."
)


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
    inputs: Mapping[str, Any] | None = None,
    name: str = "",
    reconnects: Credential | None = None,
    replaces_account: bool = False,
) -> str:
    """Create a connect session; returns the authorization URL to redirect the browser to.

    The session belongs to a `user`, a customer with a `link`, or an `authorization_request`.

    `inputs` are values of the properties in `kind.oauth.required_properties`. Raises pydantic's
    `ValidationError` when one of them is invalid, `Refused` when the OAuth app is missing.
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
        secrets={"verifier": verifier, "asked": parsed.plain_values()},
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
    app = connect_session.oauth_app
    if app is None:
        return OAuthContext(str(inputs.get("client_id", "")), {}, inputs, callback or {})
    return OAuthContext(app.client_id, app.url_params(), inputs, callback or {}, tuple(app.scopes))


def finish(
    params: Mapping[str, str], *, user: User | None, session_key: str, provider: str
) -> ConnectSession:
    """Finish the connect session of `params` (the callback's query).

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
        credential = complete(connect_session, params)
    except RightLost as error:
        deny(connect_session, error)
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


def deny(connect_session: ConnectSession, error: RightLost) -> None:
    """Finish a session whose right was lost, and record it."""
    organization = connect_session.organization
    fail(connect_session, error)
    record_change(
        organization, "credential.connect_denied", connect_session.actor, kind=connect_session.kind
    )


def refuse_lost_rights(connect_session: ConnectSession) -> None:
    """Raise `RightLost` when the person, or the key of the request, may no longer connect."""
    refuse_lost_right(connect_session.user, connect_session.organization)
    if connect_session.authorization_request:
        try:
            authorization_requests.refuse_withdrawn(connect_session.authorization_request)
        except authorization_requests.RequestClosed as closed:
            raise RightLost(str(closed)) from None


def failure_message(error: Exception) -> str:
    """What happened and what to do. Nobody but the person tries again, whoever is at fault."""
    if isinstance(error, Refused):
        outcome = error.outcome
        if outcome.verdict is Verdict.TRANSIENT:
            again = COMPARE_SETTINGS if outcome.code == outcomes.UNEXPECTED else START_AGAIN
            outcome = replace(outcome, remedy=again)
        return outcome.sentence
    if isinstance(error, DecryptionError):
        return outcomes.unreadable(error).sentence
    return str(error)


def customer_message(error: Exception, link: ConnectLink) -> str:
    """The failure message for a customer, who can't see or fix our OAuth app."""
    if isinstance(error, Refused) and error.outcome.customer_remedy:
        return error.outcome.customer_sentence
    if error_code(error) == "server_error":
        return (
            f"{link.provider_title} does not accept the way {link.organization} is registered "
            f"there, so nothing was connected. It is not your fault: {link.organization} must "
            "mend it and sees the reason. Try again when they tell you."
        )
    if isinstance(error, Refused):
        return error.outcome.customer_sentence
    if isinstance(error, credential_operations.OtherAccount):
        return error.customer_sentence
    return str(error)


def error_code(error: Exception) -> str:
    """The RFC 6749 section 4.1.2.1 code that tells another product who must act."""
    if isinstance(error, Unreachable):
        return "temporarily_unavailable"
    if isinstance(error, DecryptionError):
        return "server_error"
    verdict = error.outcome.verdict if isinstance(error, Refused) else Verdict.CUSTOMER
    ours = {Verdict.TRANSIENT: "temporarily_unavailable", Verdict.OPERATOR: "server_error"}
    return ours.get(verdict, "access_denied")


def complete(connect_session: ConnectSession, params: Mapping[str, str]) -> Credential | None:
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
        return save_session_credential(connect_session, properties, grant)


def save_session_credential(
    connect_session: ConnectSession, properties: Properties, grant: TokenGrant
) -> Credential:
    """Save the session's credential and complete its link. Call it in a transaction."""
    if connect_session.reconnects:
        credential = reconnect(connect_session, connect_session.reconnects, properties, grant)
    else:
        credential = credential_operations.save_credential(
            connect_session.organization,
            properties,
            name=connect_session.name,
            metadata=connect_session.link.metadata or None if connect_session.link else None,
            oauth_app=connect_session.oauth_app,
            actor=connect_session.actor,
            grant=grant,
        ).credential
    if connect_session.link:
        links.complete(connect_session.link, credential)
    return credential


def read_properties(
    kind: type[OAuthKind], grant: TokenGrant, context: OAuthContext, answers: Sequence[Response]
) -> Properties:
    """The kind's properties: entered, issued with the grant, and read from the account.

    `answers` are those that arrived meanwhile. Raises `Refused` when a property is missing.
    """
    discovered = kind.identify(grant, context)
    values = {
        "kind": kind.slug,
        **context.inputs,
        **grants.issued_secrets(kind, grant),
        **discovered,
    }
    try:
        properties: Properties = kind.properties_class.model_validate(values)
    except ValidationError as invalid:
        # No call has failed, so the newest answer is shown: it was to bring what is missing.
        response = answers[-1] if answers else None
        names = sorted({*invalid_names(invalid)})
        raise Refused(outcomes.unexpected_answer(kind.provider_title, response, names)) from None
    return properties


def invalid_names(invalid: ValidationError) -> list[str]:
    """The names of properties that are missing or invalid."""
    return [name for error in errors_in(invalid) for name in error.path[:1]]


def reconnect(
    connect_session: ConnectSession,
    credential: Credential,
    properties: Properties,
    grant: TokenGrant,
) -> Credential:
    """Apply a grant to an existing credential. Raises `OtherAccount` unless the session may
    replace the account."""
    credential = credential_operations.locked(credential)
    identity = credential.identity_of(properties.public_values())
    if identity != credential.identity and not connect_session.replaces_account:
        other = credential.describe_account(properties.public_values())
        raise credential_operations.OtherAccount(
            f"You connected {other}, but this credential is for {credential.describe()}. Nothing "
            f"was changed. Log in to {credential.describe()} at {credential.provider_title} and "
            "try again, or add the other account as a credential of its own.",
            f"You connected {other}, but the link is for {credential.describe()}. Nothing was "
            f"changed. Log in to {credential.describe()} at {credential.provider_title} and try "
            "again.",
        )
    if identity != credential.identity:
        chains.forget(credential)
    before = credential.describe()
    credential_operations.set_properties(credential, properties)
    credential.oauth_app = connect_session.oauth_app
    credential_operations.refuse_duplicate(credential)
    credential.disabled_at = None
    credential.save()
    credential_operations.remember_tokens(credential)
    credential_operations.apply_grant(credential, grant)
    action = "credential.reconnected"
    if connect_session.replaces_account:
        action = "credential.account_replaced"
    record_and_notify(
        credential,
        action,
        connect_session.actor,
        kind=credential.kind,
        before=before,
        after=credential.describe(),
    )
    return credential


def prune(older_than: timedelta = timedelta(days=7)) -> int:
    """Delete connect sessions that expired `older_than` ago. Returns how many rows."""
    return ConnectSession.objects.filter(expires_at__lt=clock.now() - older_than).delete()[0]
