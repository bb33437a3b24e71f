"""What a finished connect session stores: the properties it read, and its credential."""

from collections.abc import Sequence

from pydantic import ValidationError

from sequin_admin.connect import credential_operations, links
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core.actors import Actor
from sequin_admin.core.field_errors import errors_in
from sequin_admin.core.http import Response
from sequin_admin.credentials import grant_ends, outcomes
from sequin_admin.credentials.kinds import OAuthContext, OAuthKind, TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.credentials.properties import Properties
from sequin_admin.notifications.events import record_and_notify
from sequin_admin.tokens import chains, grants


def save_session_credential(
    connect_session: ConnectSession, properties: Properties, grant: TokenGrant, actor: Actor
) -> Credential:
    """Save the session's credential and complete its link. Call it in a transaction."""
    if connect_session.reconnects:
        credential = reconnect(
            connect_session, connect_session.reconnects, properties, grant, actor
        )
    else:
        link, details = connect_session.link, connect_session.details
        credential = credential_operations.save_credential(
            connect_session.organization,
            properties,
            name=connect_session.name,
            metadata=(link.metadata if link else details.get("metadata")) or None,
            oauth_app=connect_session.oauth_app,
            actor=actor,
            grant=grant,
        ).credential
        credential_operations.update_details(
            credential, actor=actor, contact_email=details.get("contact_email")
        )
    if connect_session.link:
        links.complete(connect_session.link, credential, origin=actor)
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
        **grant_ends.ends_in(kind.properties_class, grant.raw),
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
    actor: Actor,
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
        actor,
        kind=credential.kind,
        before=before,
        after=credential.describe(),
    )
    return credential
