"""The round trip to a provider: out with a state, back with a code, into a stored credential."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from pydantic import ValidationError

from sequin_admin.access.models import Organization, User
from sequin_admin.connect import accounts, handovers, links, notes, oauth, tokens
from sequin_admin.connect.models import Attempt, ConnectLink, Handover
from sequin_admin.core import clock
from sequin_admin.core.http import Unreachable
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.kinds import Grant, Trip
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.credentials.properties import Properties

TRIP_TIME = timedelta(minutes=10)


class BadCallback(Exception):
    """A callback that belongs to no open trip of this browser. `str()` is the sentence to show."""


def start(
    organization: Organization,
    kind: Any,
    *,
    session_key: str,
    user: User | None = None,
    link: ConnectLink | None = None,
    handover: Handover | None = None,
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
    questions = kind.properties_class.only(kind.oauth.asks)
    answers: Properties = questions(**(asked or {}))
    given = answers.plain_values()
    state, (verifier, challenge) = oauth.new_state(), oauth.pkce_pair()
    attempt = Attempt(
        organization=organization,
        user=user,
        link=link,
        handover=handover,
        session_digest=oauth.digest(session_key),
        state_digest=oauth.digest(state),
        kind=kind.slug,
        oauth_app=oauth_app,
        reconnects=reconnects,
        replaces_account=replaces_account,
        name=name,
        secrets={"verifier": verifier, "asked": given},
        expires_at=clock.now() + TRIP_TIME,
    )
    attempt.save()
    return oauth.authorize_url(
        kind,
        trip_of(attempt),
        redirect_uri=oauth.redirect_uri(kind.provider),
        state=state,
        challenge=challenge,
    )


def trip_of(attempt: Attempt, callback: Mapping[str, str] | None = None) -> Trip:
    asked = attempt.secrets["asked"]
    app = attempt.oauth_app
    if app is None:
        return Trip(str(asked.get("client_id", "")), {}, asked, callback or {})
    return Trip(app.client_id, app.places(), asked, callback or {}, tuple(app.scopes))


def finish(
    params: Mapping[str, str], *, user: User | None, session_key: str, provider: str
) -> Attempt:
    """End the trip that `params` (the callback's query) belongs to.

    Returns the attempt with a `credential` (a handover keeps what came of it itself), or with a
    `failure` sentence. Raises `BadCallback` when there is no such trip, and then nothing has been
    sent to the provider.
    """
    attempt = claim(params.get("state", ""), user=user, session_key=session_key, provider=provider)
    try:
        credential = complete(attempt, params)
    except (Refused, accounts.OtherAccount, links.Closed, Unreachable) as error:
        return fail(attempt, error)
    return end(attempt, credential=credential)


def claim(state: str, *, user: User | None, session_key: str, provider: str) -> Attempt:
    """The open trip of `state`, which is used up by this. State is checked before anything else."""
    now = clock.now()
    attempt = Attempt.objects.filter(state_digest=oauth.digest(state)).first()
    kind = kinds.get(attempt.kind) if attempt else None
    mine = attempt and attempt.belongs_to(user, oauth.digest(session_key))
    if attempt is None or kind is None or kind.provider != provider or not mine:
        raise BadCallback(
            "This answer belongs to no connection you started in this browser. Nothing was "
            "changed; go back to where you started and try again."
        )
    if not Attempt.objects.open(now).filter(pk=attempt.pk).update(finished_at=now):
        raise BadCallback(
            "This connection was already finished, or it was started more than ten minutes ago. "
            "Nothing was changed; go back to where you started and try again."
        )
    return attempt


def end(attempt: Attempt, *, credential: Credential | None = None) -> Attempt:
    attempt.credential, attempt.secrets = credential, {}
    attempt.finished_at = clock.now()
    attempt.save()
    return attempt


def fail(attempt: Attempt, error: Exception) -> Attempt:
    """End a trip without a credential, and say why to whoever sent the browser on it."""
    attempt.failure, attempt.error = sentence(error)[:500], error_code(error)
    if attempt.link:
        links.fail(attempt.link, attempt.failure)
    return end(attempt)


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


def complete(attempt: Attempt, params: Mapping[str, str]) -> Credential | None:
    """From a callback to a stored credential, or to a handover that has what it needs."""
    if attempt.link:
        links.refuse_closed(attempt.link)
    kind, trip = kinds.get(attempt.kind), trip_of(attempt, params)
    if "error" in params:
        raise Refused(kind.classify_callback_error(params))
    kind.check_callback(trip)
    grant = oauth.exchange(
        kind,
        trip,
        code=params.get("code", ""),
        redirect_uri=oauth.redirect_uri(kind.provider),
        verifier=attempt.secrets["verifier"],
    )
    properties = read_properties(kind, grant, trip)
    if attempt.handover:
        handovers.seal(attempt.handover, properties)
        return None
    with transaction.atomic():
        return keep(attempt, properties, grant)


def keep(attempt: Attempt, properties: Properties, grant: Grant) -> Credential:
    """Store what came of a trip, and spend its link in the same transaction."""
    if attempt.reconnects:
        credential = reconnect(attempt, attempt.reconnects, properties, grant)
    else:
        credential, _ = accounts.save(
            attempt.organization,
            properties,
            name=attempt.name,
            metadata=attempt.link.metadata or None if attempt.link else None,
            oauth_app=attempt.oauth_app,
            actor=attempt.actor,
            grant=grant,
        )
    if attempt.link:
        links.complete(attempt.link, credential)
    return credential


def read_properties(kind: Any, grant: Grant, trip: Trip) -> Properties:
    """The kind's properties: asked, issued with the grant, and read from the account."""
    facts = kind.identify(grant, trip)
    values = {"kind": kind.slug, **trip.asked, **tokens.issued(kind, grant), **facts}
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
    attempt: Attempt, credential: Credential, properties: Properties, grant: Grant
) -> Credential:
    """Put a fresh grant into an existing credential, which stays for the same account."""
    identity = credential.identity_of(properties.public_values())
    if identity != credential.identity and not attempt.replaces_account:
        came = credential.describe_account(properties.public_values())
        raise accounts.OtherAccount(
            f"You connected {came}, but this credential is for {credential.describe()}. Nothing "
            f"was changed. Log in to {credential.describe()} at {credential.provider_title} and "
            "try again, or add the other account as a credential of its own."
        )
    before = credential.describe()
    accounts.write(credential, properties)
    credential.oauth_app = attempt.oauth_app
    accounts.refuse_twin(credential)
    credential.disabled_at = None
    credential.save()
    accounts.keep_token(credential, grant)
    action = "credential.reconnected"
    if attempt.replaces_account:
        action = "credential.account_replaced"
    notes.note(action, credential, attempt.actor, before=before, after=credential.describe())
    return credential


def prune(older_than: timedelta = timedelta(days=7)) -> int:
    """Forget trips that ended or ran out a while ago. Returns how many."""
    return Attempt.objects.filter(expires_at__lt=clock.now() - older_than).delete()[0]
