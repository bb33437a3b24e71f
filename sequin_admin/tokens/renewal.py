"""Reads access tokens, and renews those that are due, without ever losing a refresh token.

Only the holder of a credential's lease calls the token endpoint (`attempts`). The call runs outside
any transaction, with a heartbeat that extends the lease; its result is written (`grants`,
`failures`) only while the lease's fence is still the newest. All others wait, or use the old token
while it is valid.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from sequin_admin.core import clock, shutdown
from sequin_admin.core.fields import DecryptionError
from sequin_admin.core.jitter import jittered
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import attempts, endpoints, failures, lifetimes, renewal_leases
from sequin_admin.tokens.lifetimes import is_renewable
from sequin_admin.tokens.models import Purpose, SilentEndpoint, Token
from sequin_admin.tokens.renewal_leases import LEASE, RenewalLease

WAIT_S = LEASE.total_seconds() + 2
LONGEST_PAUSE_S = 1.0
SILENT_RETRY_S = 10
STOPPING = "This process is about to stop, so it begins no renewal; the next one does."


def get_access_token(credential: Credential, *, min_ttl_s: float = 0, force: bool = False) -> str:
    """An access token that is valid for at least `min_ttl_s` seconds and the margin.

    `force` ignores the back-off. Raises `Refused`.
    """
    if not is_renewable(credential):
        return credential.static_token()
    token = Token.objects.with_credential().filter(pk=credential.pk).first()
    if token is None or not token.is_valid(clock.now(), lifetimes.margin_s(token)):
        return renew(credential, force=force)
    if token.is_valid(clock.now(), lifetimes.required_ttl_s(token, min_ttl_s)):
        return stored_access_token(token)
    return renew(credential, newer_than=token.version, force=force)


def get_proving_token(credential: Credential, *, newer: bool = False, force: bool = False) -> str:
    """A token for a probe: as `get_access_token()`, but not the old one after a refused renewal,
    which it would hide while it is valid. `newer` asks for a new one. Raises `Refused`."""
    token = Token.objects.filter(pk=credential.pk).only("version", "refusal").first()
    if token and is_renewable(credential) and (newer or failures.is_refused(token)):
        return renew(credential, newer_than=token.version, force=force)
    return get_access_token(credential, force=force)


def get_token_and_expiry(
    credential: Credential, *, min_ttl_s: float = 0
) -> tuple[str, datetime | None]:
    """As `get_access_token()`, with the token's expiry. `select_related("token")` makes it need no
    further query while the token is valid for long enough. Raises `Refused`.
    """
    token: Token | None = getattr(credential, "token", None)
    if not is_renewable(credential):
        return credential.static_token(), token.expires_at if token else None
    if token and token.is_valid(clock.now(), lifetimes.required_ttl_s(token, min_ttl_s)):
        return stored_access_token(token), token.expires_at
    get_access_token(credential, min_ttl_s=min_ttl_s)
    return stored_token(credential)


def get_valid_token(credential: Credential) -> str:
    """The access token if a stored one is valid now, else empty. Calls nobody."""
    try:
        if not is_renewable(credential):
            return credential.static_token()
        token = Token.objects.with_credential().filter(pk=credential.pk).first()
        return stored_access_token(token) if token and token.is_valid(clock.now()) else ""
    except DecryptionError:
        return ""


def stored_token(credential: Credential) -> tuple[str, datetime | None]:
    """The stored token and its expiry, both of one version. Also reloads `properties`, which a
    renewal may have changed."""
    credential.refresh_from_db(fields=["properties"])
    token = Token.objects.with_credential().get(pk=credential.pk)
    return stored_access_token(token), token.expires_at


def refresh(credential: Credential, *, refused: str = "", force: bool = False) -> str:
    """A newer token than `refused`, which the provider has rejected. Raises `Refused`."""
    token = Token.objects.with_credential().filter(pk=credential.pk).first()
    # A token that is due is renewed or exchanged, even if `credential` was read before it could be.
    if not is_renewable(credential) and not (token and token.refresh_at):
        raise Refused(credential.cannot_renew())
    held = stored_access_token(token) if refused and token else ""
    if held and held != refused:
        return held
    return renew(credential, newer_than=token.version if token else 0, force=force)


def exchange(credential: Credential) -> str:
    """Exchange a token of a legacy type for one that can be renewed. Raises `Refused`.

    The exchange revokes the old token, so the worker retries an exchange that got no response.
    """
    Token.objects.get_or_create(credential=credential)
    Token.objects.filter(pk=credential.pk, refresh_at=None).update(refresh_at=clock.now())
    lease = renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk))
    if lease is None and shutdown.is_requested():
        raise Refused(outcomes.transient("stopping", STOPPING))
    if lease is None:
        raise Refused(outcomes.transient("busy", "Another worker is exchanging this token."))
    return attempts.renew_with_lease(lease)


def renew_claimed(lease: RenewalLease) -> bool:
    """Renew. False when it failed: the outcome is stored on the token."""
    if not renewal_leases.confirm_lease(lease):
        return False
    try:
        attempts.renew_with_lease(lease)
    except Refused:
        return False
    return True


def renew(credential: Credential, *, newer_than: int | None = None, force: bool = False) -> str:
    """As `renew_or_wait()`. A renewal may name another host: then `credential` knows it as well."""
    text = renew_or_wait(credential, newer_than=newer_than, force=force)
    if credential.destination_properties:
        credential.refresh_from_db(fields=["properties"])
    return text


def renew_or_wait(
    credential: Credential, *, newer_than: int | None = None, force: bool = False
) -> str:
    """Renew, or wait for the process that is renewing.

    `newer_than` is a version that must not be returned. Raises `Refused`.
    """
    for token in poll_token(credential):
        if is_new_enough(token, newer_than):
            return stored_access_token(token)
        if not force and failures.is_backing_off(token, credential):
            return get_live_or_refuse(token, newer_than)
        silent = None if force else endpoints.of_credential(Purpose.RENEW, credential).first()
        if silent and endpoints.is_tried(silent):
            return get_live_or_refuse_silent(token, newer_than, silent)
        lease = renewal_leases.acquire_lease(token)
        if lease and silent and not endpoints.start_trial(silent):
            renewal_leases.give_back(lease)
            continue
        try:
            if lease:
                renewed = attempts.renew_with_lease(lease)
                if not lease.unanswered_before:
                    return renewed
                # The provider may have repeated an answer whose token has ended since.
                continue
        except Refused as refusal:
            if refusal.outcome.code != failures.LEASE_LOST:
                raise
            continue
        if is_usable_meanwhile(token, newer_than):
            return stored_access_token(token)
        if shutdown.is_requested():
            raise Refused(outcomes.transient("stopping", STOPPING))
    raise Refused(outcomes.transient("busy", "Another worker is still renewing this token."))


def is_new_enough(token: Token, newer_than: int | None) -> bool:
    is_newer = newer_than is None or token.version > newer_than
    return is_newer and token.is_valid(clock.now(), lifetimes.margin_s(token))


def is_usable_meanwhile(token: Token, newer_than: int | None) -> bool:
    """Whether the old token may be returned during a renewal or its back-off."""
    left_s = 0 if lifetimes.has_short_life(token) else lifetimes.LEAST_LEFT_S
    return newer_than is None and token.is_valid(clock.now(), left_s)


def get_live_or_refuse_silent(token: Token, newer_than: int | None, silent: SilentEndpoint) -> str:
    """While another call tries an endpoint that does not answer: the old token while it is valid.
    Else raises `Refused`, at once: waiting would hold up the caller's other requests."""
    if is_usable_meanwhile(token, newer_than):
        return stored_access_token(token)
    provider = token.credential.provider_title
    text = f"{provider} has not answered since {silent.since:%H:%M} UTC. We go on trying."
    raise Refused(outcomes.transient("unreachable", text, retry_after_s=SILENT_RETRY_S))


def get_live_or_refuse(token: Token, newer_than: int | None) -> str:
    """During back-off: the old token while it is valid. Else raises `Refused` with the last
    failure."""
    if is_usable_meanwhile(token, newer_than):
        return stored_access_token(token)
    refusal = dict(token.refusal)
    wait_s = (token.next_try_at - clock.now()).total_seconds() if token.next_try_at else None
    raise Refused(Outcome(Verdict(refusal.pop("verdict")), **refusal, retry_after_s=wait_s))


def poll_token(credential: Credential) -> Iterator[Token]:
    """The token row, read repeatedly for `WAIT_S` seconds.

    The pauses grow, as hundreds of processes may wait for one renewal.
    """
    ends, pause_s = time.monotonic() + WAIT_S, 0.1
    while time.monotonic() < ends:
        token, _ = Token.objects.with_credential().get_or_create(credential=credential)
        yield token
        time.sleep(jittered(timedelta(seconds=pause_s), 0.5, 1.5).total_seconds())
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


def stored_access_token(token: Token) -> str:
    """Empty when there is none."""
    return str(token.secrets.get("access_token", ""))
