"""Stores what a token endpoint granted, while the lease it was asked for under is still held."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from pydantic import ValidationError

from sequin_admin.core import clock, leases
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.fields import Secrets
from sequin_admin.credentials import answers, grant_ends
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from sequin_admin.tokens import chains, failures, lifetimes
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.renewal_leases import RenewalLease

log = structlog.get_logger(__name__)


def store_grant(
    credential: Credential, grant: TokenGrant, *, lease: RenewalLease | None = None
) -> str:
    """Store a new grant: the access token, and the refresh token if there is a new one.

    Without a lease (after a connect session) it supersedes a renewal in progress. Raises `Refused`
    when the lease was lost.
    """
    with transaction.atomic():
        token, now = lock_token(credential, lease)
        if lease is None:
            # What the former chain left is not of this one.
            token.secrets, token.previous_until = {}, None
        issued_at = now if lease is None else earliest_issue(token, lease, grant, now)
        save_new_secrets(credential, token, grant)
        token.issued_at = issued_at
        token.expires_at = lifetimes.compute_expiry(credential, grant, issued_at)
        token.refresh_at = (
            lifetimes.compute_refresh_at(issued_at, lifetimes.renewable_until(token, grant))
            if lifetimes.is_renewable(credential)
            else None
        )
        token.failures, token.next_try_at, token.refusal = 0, None, {}
        token.grant_refused = False
        token.journal = failures.record_attempt_end(token.journal, "ok", now)
        if token.refresh_at and lifetimes.has_short_life(token):
            failures.delay_next_renewal(credential, token, grant, now)
        token.secrets = {**token.secrets, "access_token": grant.access_token}
        token.scope = grant.scope or token.scope
        token.version += 1
        token.save()
        if lease:
            leases.release(lease.token)
        else:
            leases.revoke(token)
    return grant.access_token


def earliest_issue(token: Token, lease: RenewalLease, grant: TokenGrant, now: datetime) -> datetime:
    """From when on the life of a granted token counts: `now`, or earlier if its answer may be one
    that the provider repeats, with the `expires_in` of the first time.

    That is the answer of an attempt that got none here, or the one whose token is stored.
    """
    flow = token.credential.oauth
    attempts = [datetime.fromisoformat(attempt["at"]) for attempt in lease.unanswered_before]
    if token.issued_at and grant.access_token == token.secrets.get("access_token"):
        attempts.append(token.issued_at)
    repeated_since = now - timedelta(seconds=flow.grace_s if flow else 0)
    return min((at for at in attempts if at > repeated_since), default=now)


def store_refresh_token(credential: Credential, refresh_token: str, lease: RenewalLease) -> None:
    """Store the refresh token of an answer without a usable access token. Raises `Refused` when
    the lease was lost."""
    with transaction.atomic():
        token, _ = lock_token(credential, lease)
        save_new_secrets(credential, token, TokenGrant("", refresh_token))
        token.save(update_fields=["secrets", "previous_until"])


def lock_token(credential: Credential, lease: RenewalLease | None) -> tuple[Token, datetime]:
    """The token row with its credential, both locked until the transaction ends, and the database's
    time. Without a lease the row is made when there is none.

    Raises `Refused` when `lease` was lost.
    """
    # Before the token's row, in the order of whoever changes both.
    Credential.objects.select_for_update().values_list("pk").get(pk=credential.pk)
    if lease is None:
        Token.objects.get_or_create(credential=credential)
    rows = Token.objects.all() if lease is None else leases.still_mine(lease.token)
    locked = rows.select_related("credential").select_for_update(of=("self",))
    token = locked.annotate(locked_at=DatabaseTime()).filter(pk=credential.pk).first()
    if token is None:
        raise Refused(failures.lease_lost())
    return token, token.locked_at


def save_new_secrets(credential: Credential, token: Token, grant: TokenGrant) -> None:
    """Store a grant's secrets and properties on the credential of the locked `token`.

    The previous refresh token is kept on the token for the kind's grace period.
    """
    kept = token.credential
    flow, secrets = credential.oauth, issued_secrets(type(credential), grant)
    # Decrypted before the destination may change.
    token.secrets = dict(token.secrets)
    old = kept.secrets.get(flow.refresh_property) if flow else None
    if flow and flow.grace_s and old and secrets.get(flow.refresh_property, old) != old:
        token.secrets = {**token.secrets, "previous_refresh_token": old}
        token.previous_until = clock.now() + timedelta(seconds=flow.grace_s)
    discovered = facts_of_renewal(credential, grant)
    chains.remember_renewal(credential, kept.secrets, secrets)
    properties = {**kept.properties, **discovered}
    if flow and secrets.get(flow.refresh_property, old) != old:
        properties = grant_ends.without_former(properties, discovered)
    known = {"secrets": {**kept.secrets, **secrets}, "properties": properties}
    changed = [name for name, value in known.items() if getattr(kept, name) != value]
    if changed:
        kept.secrets, kept.properties = Secrets(known["secrets"]), properties
        kept.save(update_fields=[*changed, "updated_at"])
        credential.properties, credential.secrets = dict(kept.properties), dict(kept.secrets)
        credential.secret_names = kept.secret_names


def issued_secrets(kind: type[Credential], grant: TokenGrant) -> Secrets:
    """The grant's tokens, by the names of the secret properties that they are stored in."""
    flow = kind.oauth
    if flow is None:
        return Secrets()
    tokens = {flow.refresh_property: grant.refresh_token, flow.access_property: grant.access_token}
    names = kind.properties_class.secret_names()
    return Secrets({name: value for name, value in tokens.items() if name in names and value})


def facts_of_renewal(credential: Credential, grant: TokenGrant) -> dict[str, Any]:
    """The property values that a token answer brings and that are valid.

    The others are left out: they are no reason to lose the tokens that came with them. So is what
    names the account: that is for the probe, which knows of other credentials of the account.
    """
    facts: dict[str, Any] = {}
    brought: dict[str, Any] = grant_ends.ends_in(credential.properties_class, grant.raw)
    try:
        brought = {**credential.properties_from_grant(grant), **brought}
    except answers.MISREAD as error:
        log.warning("unexpected answer", kind=credential.slug, error=answers.describe(error))
    for name in set(brought) - set(credential.identity_properties):
        try:
            facts |= credential.properties_class.valid_values({name: brought[name]})
        except ValidationError:
            log.warning("unexpected answer", kind=credential.slug, property=name)
    return facts
