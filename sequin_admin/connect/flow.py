"""The round trip to a provider, and everything that is done to a credential by somebody."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, models, transaction

from sequin_admin.access.models import Organization, User
from sequin_admin.audit.models import record
from sequin_admin.connect import oauth, tokens
from sequin_admin.connect.models import Attempt, Token
from sequin_admin.core import clock
from sequin_admin.core.http import Unreachable
from sequin_admin.credentials import kinds, outcomes
from sequin_admin.credentials.kinds import Grant, Trip
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.properties import Properties

TRIP_TIME = timedelta(minutes=10)


class BadCallback(Exception):
    """A callback that belongs to no open trip of this browser. `str()` is the sentence to show."""


class OtherAccount(Exception):
    """Another account came back than the one this credential is for. `str()` names both."""


def start(
    organization: Organization,
    kind: Any,
    *,
    user: User,
    session_key: str,
    oauth_app: OAuthApp | None = None,
    asked: Mapping[str, Any] | None = None,
    name: str = "",
    reconnects: Credential | None = None,
    replaces_account: bool = False,
) -> str:
    """Open a trip and return the address to send the browser to.

    `asked` are values of the properties in `kind.oauth.asks`. Raises pydantic's `ValidationError`
    when one of them is not what its declaration says, `Refused` when the OAuth app is missing.
    """
    if kind.client_is_ours() and (oauth_app is None or oauth_app.provider != kind.provider):
        raise Refused(outcomes.no_app(kind.provider_title))
    questions = kind.properties_class.only(kind.oauth.asks)
    answers: Properties = questions(**(asked or {}))
    given = {**answers.public_values(), **answers.secret_values()}
    state, (verifier, challenge) = oauth.new_state(), oauth.pkce_pair()
    attempt = Attempt(
        organization=organization,
        user=user,
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


def finish(params: Mapping[str, str], *, user: User, session_key: str, provider: str) -> Attempt:
    """End the trip that `params` (the callback's query) belongs to.

    Returns the attempt with a `credential`, or with a `failure` sentence. Raises `BadCallback`
    when there is no such trip, and then nothing has been sent to the provider.
    """
    attempt = claim(params.get("state", ""), user=user, session_key=session_key, provider=provider)
    try:
        credential = complete(attempt, params)
    except (Refused, OtherAccount, Unreachable) as error:
        return end(attempt, failure=sentence(error))
    return end(attempt, credential=credential)


def claim(state: str, *, user: User, session_key: str, provider: str) -> Attempt:
    """The open trip of `state`, which is used up by this. State is checked before anything else."""
    now = clock.now()
    attempt = Attempt.objects.filter(state_digest=oauth.digest(state)).first()
    kind = kinds.get(attempt.kind) if attempt else None
    mine = attempt and (attempt.user_id, attempt.session_digest) == (
        user.pk,
        oauth.digest(session_key),
    )
    if attempt is None or kind is None or kind.provider != provider or not mine:
        raise BadCallback(
            "This answer belongs to no connection you started in this browser. Nothing was "
            "changed; start again from Credentials."
        )
    if not Attempt.objects.open(now).filter(pk=attempt.pk).update(finished_at=now):
        raise BadCallback(
            "This connection was already finished, or it was started more than ten minutes ago. "
            "Nothing was changed; start again from Credentials."
        )
    return attempt


def end(attempt: Attempt, *, credential: Credential | None = None, failure: str = "") -> Attempt:
    attempt.credential, attempt.failure = credential, failure[:500]
    attempt.secrets = {}
    attempt.finished_at = clock.now()
    attempt.save()
    return attempt


def sentence(error: Exception) -> str:
    if isinstance(error, Refused):
        return f"{error.outcome.message} {error.outcome.remedy}".strip()
    return str(error)


def complete(attempt: Attempt, params: Mapping[str, str]) -> Credential:
    """From a callback to a stored credential."""
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
    if attempt.reconnects:
        return reconnect(attempt, properties, grant)
    credential, _ = save(
        attempt.organization,
        properties,
        name=attempt.name,
        oauth_app=attempt.oauth_app,
        actor=attempt.user,
        grant=grant,
    )
    return credential


def read_properties(kind: Any, grant: Grant, trip: Trip) -> Properties:
    """The kind's properties: asked, issued with the grant, and read from the account."""
    flow = kind.oauth
    issued = {flow.refresh_property: grant.refresh_token, flow.access_property: grant.access_token}
    known = {name: value for name, value in issued.items() if name and value}
    facts = kind.identify(grant, trip)
    values = {"kind": kind.slug, **trip.asked, **known, **facts}
    properties: Properties = kind.properties_class.model_validate(values)
    return properties


def reconnect(attempt: Attempt, properties: Properties, grant: Grant) -> Credential:
    """Put a fresh grant into an existing credential, which stays for the same account."""
    credential = attempt.reconnects
    assert credential is not None  # noqa: S101 - the caller has looked
    identity = credential.identity_of(properties.public_values())
    if identity != credential.identity and not attempt.replaces_account:
        came = credential.describe_account(properties.public_values())
        raise OtherAccount(
            f"You connected {came}, but this credential is for {credential.describe()}. Nothing "
            f"was changed. Log in to {credential.describe()} at {credential.provider_title} and "
            "try again, or add the other account as a credential of its own."
        )
    with transaction.atomic():
        before = credential.describe()
        write(credential, properties)
        credential.oauth_app = attempt.oauth_app
        credential.disabled_at = None
        credential.save()
        keep_token(credential, grant)
        action = "credential.reconnected"
        if attempt.replaces_account:
            action = "credential.account_replaced"
        note(action, credential, attempt.user, before=before, after=credential.describe())
    return credential


def save(
    organization: Organization,
    properties: Properties,
    *,
    actor: models.Model | None,
    name: str = "",
    oauth_app: OAuthApp | None = None,
    metadata: dict[str, Any] | None = None,
    grant: Grant | None = None,
) -> tuple[Credential, bool]:
    """Import: update the credential of the same account, or make a new one (True).

    Where the account is not named in `properties` the provider is asked once; if it doesn't
    answer, the credential is saved all the same and probed later.
    """
    kind = kinds.get(properties.kind)  # type: ignore[attr-defined]
    draft = kind(organization=organization, oauth_app=oauth_app, metadata=metadata or {}, name=name)
    write(draft, properties)
    if draft.identity is None and grant is None:
        learn(draft)
    draft.name = name or kind.suggest_name(draft.properties) or kind.full_title()
    given = {"name"} if name else set()
    given |= {"metadata"} if metadata is not None else set()
    try:
        return store(draft, grant, actor=actor, given=given)
    except IntegrityError:
        # Somebody imported the same account at the same moment; now it is there to be updated.
        return store(draft, grant, actor=actor, given=given)


@transaction.atomic
def store(
    draft: Credential, grant: Grant | None, *, actor: models.Model | None, given: set[str]
) -> tuple[Credential, bool]:
    """Write a draft over the credential of the same account, or as a new one.

    Of an existing credential only the columns in `given` are changed besides the properties.
    """
    known = same_account(draft).select_for_update().first() if draft.identity else None
    credential = known or draft
    if known:
        known.properties, known.secrets = draft.properties, dict(draft.secrets)
        known.secrets_changed_at, known.disabled_at = clock.now(), None
        for column in given:
            setattr(known, column, getattr(draft, column))
        known.check_due_at = clock.now()
    credential.save()
    keep_token(credential, grant)
    action = "credential.updated" if known else "credential.created"
    note(action, credential, actor, account=credential.describe())
    return credential, known is None


def same_account(draft: Credential) -> models.QuerySet[Credential]:
    return Credential.objects.of(draft.organization).filter(
        kind=draft.kind, identity=draft.identity, oauth_app=draft.oauth_app
    )


def write(credential: Credential, properties: Properties) -> None:
    """Put parsed properties into the row's public and secret columns."""
    credential.properties = properties.public_values()
    credential.secrets = properties.secret_values()
    credential.secrets_changed_at = clock.now()
    credential.identity = credential.identity_of(credential.properties)
    credential.check_due_at = clock.now()


def forget_filled(draft: Credential) -> None:
    """Drop what was read from the account that the former secret opened."""
    declared = draft.properties_class
    kept = (n for n in draft.properties if not declared.declared(n).get("filled"))
    draft.properties = {name: draft.properties[name] for name in kept}
    draft.identity = draft.identity_of(draft.properties)


def learn(draft: Credential) -> None:
    """Ask the provider whose key this is. No answer is no harm: the probe asks again later."""
    try:
        token = draft.mint().access_token if draft.mints else draft.static_token()
        outcome = draft.probe(token)
    except (Refused, Unreachable):
        return
    absorb(draft, outcome.facts)


def absorb(credential: Credential, facts: Mapping[str, Any]) -> bool:
    """Take over property values that the provider told us. True when one was new."""
    known = set(credential.properties_class.names())
    news = {n: v for n, v in facts.items() if n in known and credential.properties.get(n) != v}
    credential.properties = {**credential.properties, **news}
    credential.identity = credential.identity or credential.identity_of(credential.properties)
    return bool(news)


def keep_token(credential: Credential, grant: Grant | None) -> None:
    """A fresh grant's token, or for an import a token row that is due at once."""
    if grant and not credential.mints:
        tokens.store(credential, grant)
        return
    if tokens.renews(credential):
        Token.objects.filter(credential=credential).delete()
        Token.objects.create(credential=credential, refresh_at=clock.now())


def replace_secrets(
    credential: Credential, properties: Properties, *, actor: models.Model | None
) -> Credential:
    """What an edit form does. Raises `OtherAccount` when the new secret opens another account."""
    draft = type(credential)(organization=credential.organization, oauth_app=credential.oauth_app)
    write(draft, properties)
    forget_filled(draft)
    if not credential.mints and not tokens.renews(credential):
        learn(draft)
    if credential.identity and draft.identity and draft.identity != credential.identity:
        raise OtherAccount(
            f"These are the secrets of {draft.describe()}, but this credential is for "
            f"{credential.describe()}. Nothing was changed. Add the other account as a "
            "credential of its own."
        )
    with transaction.atomic():
        changed = sorted(n for n in draft.secrets if draft.secrets[n] != credential.secrets.get(n))
        credential.properties = {**credential.properties, **draft.properties}
        credential.secrets = dict(draft.secrets)
        credential.identity = credential.identity or draft.identity
        credential.secrets_changed_at = clock.now() if changed else credential.secrets_changed_at
        credential.check_due_at = clock.now()
        credential.save()
        keep_token(credential, None)
        note("credential.secrets_replaced", credential, actor, changed=changed)
    return credential


@transaction.atomic
def rename(
    credential: Credential,
    *,
    actor: models.Model | None,
    name: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    changes = {"name": name, "metadata": metadata}
    changed = {n: v for n, v in changes.items() if v is not None and v != getattr(credential, n)}
    if not changed:
        return
    for field, value in changed.items():
        setattr(credential, field, value)
    credential.save(update_fields=[*changed, "updated_at"])
    note("credential.changed", credential, actor, changed=sorted(changed))


@transaction.atomic
def disable(credential: Credential, *, actor: models.Model | None) -> None:
    """Stop using the credential: no probe, no refresh, no token for workers."""
    if Credential.objects.filter(pk=credential.pk, disabled_at=None).update(
        disabled_at=clock.now()
    ):
        credential.refresh_from_db(fields=["disabled_at"])
        note("credential.disabled", credential, actor)


@transaction.atomic
def enable(credential: Credential, *, actor: models.Model | None) -> None:
    now = clock.now()
    rows = Credential.objects.filter(pk=credential.pk, disabled_at__isnull=False)
    if rows.update(disabled_at=None, check_due_at=now):
        credential.refresh_from_db(fields=["disabled_at", "check_due_at"])
        note("credential.enabled", credential, actor)


def delete(credential: Credential, *, actor: models.Model | None) -> bool:
    """Give the access back at the provider, where it takes it, then forget the credential.

    Returns whether the provider confirmed; a refusal there does not stop us here.
    """
    given_back = give_back(credential)
    with transaction.atomic():
        note(
            "credential.deleted",
            credential,
            actor,
            account=credential.describe(),
            given_back=given_back,
        )
        credential.delete()
    return given_back


def give_back(credential: Credential) -> bool:
    """Revoke at the provider. False when it has no such call or did not take it."""
    if type(credential).revoke is Credential.revoke:
        return False
    token = Token.objects.filter(credential=credential).first()
    try:
        credential.revoke(tokens.access_token(token) if token and token.version else "")
    except (Refused, Unreachable):
        return False
    return True


def note(action: str, credential: Credential, actor: models.Model | None, **details: Any) -> None:
    record(
        action,
        actor=actor,
        target=credential,
        organization_id=credential.organization_id,
        kind=credential.kind,
        **details,
    )


def prune(older_than: timedelta = timedelta(days=7)) -> int:
    """Forget trips that ended or ran out a while ago. Returns how many."""
    return Attempt.objects.filter(expires_at__lt=clock.now() - older_than).delete()[0]
