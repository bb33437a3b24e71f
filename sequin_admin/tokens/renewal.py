"""Reads and renews access tokens without ever losing a refresh token.

Only the holder of a credential's lease calls the token endpoint. The call runs outside any
transaction, with a heartbeat that extends the lease; its result is written only while the lease's
fence is still the newest. All others wait, or use the old token while it is valid.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from sequin_admin.core import clock, shutdown
from sequin_admin.core.clock import DatabaseTime
from sequin_admin.core.fields import DecryptionError, Secrets
from sequin_admin.core.leases import release, still_mine, supersede
from sequin_admin.credentials import answers, outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import chains, leases, protocol
from sequin_admin.tokens.known_secrets import without_known_secrets
from sequin_admin.tokens.leases import LEASE, RenewalLease, acquire_lease
from sequin_admin.tokens.models import Token

WAIT_S = LEASE.total_seconds() + 2
LONGEST_PAUSE_S = 1.0
LEAST_MARGIN_S = 60
# During a renewal the old token is returned while it is valid for longer than this.
LEAST_LEFT_S = 10
MARGIN_S = 300
BACKOFF_S = (5, 900)
STOPPING = "This process is about to stop, so it begins no renewal; the next one does."
SHORT_LIFE = "short_life"
LEASE_LOST = "lease_lost"
REFUSED_RETRY_AFTER = timedelta(days=1)


def is_renewable(credential: Credential) -> bool:
    """Whether its access tokens are renewed. Keys and passwords are sent as they are."""
    flow = credential.oauth
    # By name: nothing is decrypted to answer this.
    return credential.mints or bool(flow and flow.refresh_property in credential.secret_names)


def get_access_token(credential: Credential, *, min_ttl_s: float = 0, force: bool = False) -> str:
    """An access token that is valid for at least `min_ttl_s` seconds and the margin.

    `force` ignores the back-off. Raises `Refused`.
    """
    if not is_renewable(credential):
        return credential.static_token()
    token = Token.objects.with_credential().filter(pk=credential.pk).first()
    if token is None or not token.is_valid(clock.now(), margin_s(token)):
        return renew(credential, force=force)
    if token.is_valid(clock.now(), required_ttl_s(token, min_ttl_s)):
        return stored_access_token(token)
    return renew(credential, newer_than=token.version, force=force)


def get_proving_token(credential: Credential, *, newer: bool = False, force: bool = False) -> str:
    """A token for a probe: as `get_access_token()`, but not the old one after a refused renewal,
    which it would hide while it is valid. `newer` asks for a new one. Raises `Refused`."""
    token = Token.objects.filter(pk=credential.pk).only("version", "refusal").first()
    if token and is_renewable(credential) and (newer or is_refused(token)):
        return renew(credential, newer_than=token.version, force=force)
    return get_access_token(credential, force=force)


def is_refused(token: Token) -> bool:
    """Whether the last renewal was refused for good: not by a transient fault."""
    verdict = token.refusal.get("verdict", Verdict.TRANSIENT)
    return Verdict(verdict) is not Verdict.TRANSIENT


def get_token_and_expiry(
    credential: Credential, *, min_ttl_s: float = 0
) -> tuple[str, datetime | None]:
    """As `get_access_token()`, with the token's expiry. `select_related("token")` makes it need no
    further query while the token is valid for long enough. Raises `Refused`.
    """
    token: Token | None = getattr(credential, "token", None)
    if not is_renewable(credential):
        return credential.static_token(), token.expires_at if token else None
    if token and token.is_valid(clock.now(), required_ttl_s(token, min_ttl_s)):
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
    lease = acquire_lease(Token.objects.get(pk=credential.pk))
    if lease is None and shutdown.is_requested():
        raise Refused(outcomes.transient("stopping", STOPPING))
    if lease is None:
        raise Refused(outcomes.transient("busy", "Another worker is exchanging this token."))
    return renew_with_lease(lease)


def refresh_due(limit: int = 100, stopped: Callable[[], bool] = lambda: False) -> int:
    """Renew up to `limit` due tokens, one by one, until `stopped()`. Returns the number renewed."""
    renewed = 0
    for _ in range(limit):
        claimed = [] if stopped() else leases.claim_due(1)
        if not claimed:
            break
        renewed += renew_claimed(claimed[0])
    return renewed


def renew_claimed(lease: RenewalLease) -> bool:
    """Renew. False when it failed: the outcome is stored on the token."""
    if not leases.confirm_lease(lease):
        return False
    try:
        renew_with_lease(lease)
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
        if not force and is_backing_off(token, credential):
            return get_live_or_refuse(token, newer_than)
        lease = acquire_lease(token)
        try:
            if lease:
                return renew_with_lease(lease)
        except Refused as refusal:
            if refusal.outcome.code != LEASE_LOST:
                raise
            continue
        if is_usable_meanwhile(token, newer_than):
            return stored_access_token(token)
        if shutdown.is_requested():
            raise Refused(outcomes.transient("stopping", STOPPING))
    raise Refused(outcomes.transient("busy", "Another worker is still renewing this token."))


def is_new_enough(token: Token, newer_than: int | None) -> bool:
    is_newer = newer_than is None or token.version > newer_than
    return is_newer and token.is_valid(clock.now(), margin_s(token))


def is_usable_meanwhile(token: Token, newer_than: int | None) -> bool:
    """Whether the old token may be returned during a renewal or its back-off."""
    left_s = 0 if has_short_life(token) else LEAST_LEFT_S
    return newer_than is None and token.is_valid(clock.now(), left_s)


def is_backing_off(token: Token, credential: Credential) -> bool:
    """Whether the next attempt must wait, unless the OAuth app was mended since the last: it got a
    new secret, or it works again and was the reason."""
    if token.next_try_at is None or token.next_try_at <= clock.now():
        return False
    app = credential.oauth_app
    if app is None or token.tried_at is None:
        return True
    mended_at = app.secrets_changed_at
    if token.refusal.get("of_app") and app.health_status == "healthy" and app.health_since:
        mended_at = max(mended_at, app.health_since)
    return mended_at < token.tried_at


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
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads waiters, guards nothing
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


def renew_with_lease(lease: RenewalLease) -> str:
    """Call the provider as the holder of `lease` and store the result. Raises `Refused`."""
    # Read under the lease: the former holder may have stored a newer refresh token. In one query
    # with the fence, which goes up with every refresh token that is entered or connected: one of
    # those must not be spent for an answer that could not be stored.
    token = still_mine(lease.token).select_related("credential__oauth_app").first()
    if token is None:
        raise Refused(lease_lost())
    credential = token.credential
    try:
        with leases.held(lease):
            grant = request_grant(credential, lease)
    except FAILURES as error:
        outcome = without_known_secrets(credential, credential.classify_failure(error))
        if isinstance(error, Refused) and error.refresh_token:
            store_refresh_token(credential, error.refresh_token, lease)
        with transaction.atomic():
            make_check_due(credential)
            record_failure(
                lease,
                outcome,
                again=is_renewable(credential) or outcome.verdict is Verdict.TRANSIENT,
            )
        raise Refused(outcome) from None
    access_token = store_grant(credential, grant, lease=lease)
    if lease.token.failures or credential.health_status not in ("", "healthy"):
        make_check_due(credential)
    return access_token


def make_check_due(credential: Credential) -> None:
    """Let the worker probe it at once, as a reader's refusal or success may change its health."""
    Credential.objects.filter(pk=credential.pk).update(check_due_at=clock.now())


def request_grant(credential: Credential, lease: RenewalLease) -> TokenGrant:
    """A new grant from the provider. If the refresh token is rejected, the previous one is tried
    within the kind's grace period. Raises `Refused` and what the kind's calls raise."""
    if credential.mints:
        return credential.mint()
    kind, flow, context = type(credential), credential.oauth, credential.oauth_context()
    if flow is None:
        raise Refused(credential.cannot_renew())
    try:
        if not is_renewable(credential):
            return credential.exchange_token()
        return protocol.refresh(kind, context, credential.secrets[flow.refresh_property])
    except Refused as refusal:
        if refusal.outcome.verdict is not Verdict.CUSTOMER:
            raise
        previous = lease.token.secrets.get("previous_refresh_token")
        if previous and lease.token.previous_until and lease.token.previous_until > clock.now():
            return protocol.refresh(kind, context, previous)
        if lease.cut_off_before:
            raise Refused(lost_answer_outcome(credential, refusal.outcome)) from None
        raise


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
        save_new_secrets(credential, token, grant)
        token.issued_at, token.expires_at = now, compute_expiry(credential, grant, now)
        token.refresh_at = (
            compute_refresh_at(now, token.expires_at) if is_renewable(credential) else None
        )
        token.failures, token.next_try_at, token.refusal = 0, None, {}
        token.grant_refused = False
        token.journal = record_attempt_end(token.journal, "ok", now)
        if token.refresh_at and has_short_life(token):
            delay_next_renewal(credential, token, grant, now)
        token.secrets = {**token.secrets, "access_token": grant.access_token}
        token.scope = grant.scope or token.scope
        token.version += 1
        token.save()
        if lease:
            release(lease.token)
        else:
            supersede(token)
    return grant.access_token


def has_short_life(token: Token) -> bool:
    """Whether it counts as expired as soon as it is issued, or seconds later."""
    return token.lifetime_s is not None and token.lifetime_s < LEAST_MARGIN_S + LEAST_LEFT_S


def delay_next_renewal(
    credential: Credential, token: Token, grant: TokenGrant, now: datetime
) -> None:
    """Keep a token with a short life from being renewed on every call. Unsaved.

    The next renewal waits until it is about to end; that of a token which lives for no more than
    seconds waits longer each time. A provider may also repeat its token until that has ended.
    """
    life_s = token.lifetime_s or 0.0
    is_same = token.secrets.get("access_token") == grant.access_token
    gap_s = life_s if is_same else life_s - LEAST_LEFT_S
    if life_s < 2 * LEAST_LEFT_S:
        attempts = itertools.takewhile(lambda each: "life_s" in each, reversed(token.journal[:-1]))
        gap_s = max(gap_s, min(2 ** len([*attempts]), BACKOFF_S[1]))
        for attempt in token.journal[-1:]:
            attempt["life_s"] = life_s
    token.next_try_at = now + timedelta(seconds=gap_s)
    token.refresh_at = max(token.refresh_at or token.next_try_at, token.next_try_at)
    token.refusal = as_refusal(short_life_outcome(credential, life_s, gap_s))


def short_life_outcome(credential: Credential, life_s: float, gap_s: float) -> Outcome:
    provider = credential.provider_title
    return Outcome(
        Verdict.TRANSIENT,
        SHORT_LIFE,
        f"{provider} gave us an access token that lives for {life_s:.0f} seconds only.",
        f"Set a longer life of access tokens at {provider}, five minutes at least. Until then we "
        f"ask for the next one no sooner than after {gap_s:.0f} seconds.",
    )


def with_short_life(credential: Credential, outcome: Outcome) -> Outcome:
    """The outcome of a successful probe, or why its token will hardly be of use."""
    token = Token.objects.filter(pk=credential.pk).defer("secrets").first()
    if not outcome.ok or token is None or token.refusal.get("code") != SHORT_LIFE:
        return outcome
    return replace(outcome, **{**token.refusal, "verdict": Verdict(token.refusal["verdict"])})


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
    rows = Token.objects.all() if lease is None else still_mine(lease.token)
    locked = rows.select_related("credential").select_for_update(of=("self",))
    token = locked.annotate(locked_at=DatabaseTime()).filter(pk=credential.pk).first()
    if token is None:
        raise Refused(lease_lost())
    return token, token.locked_at


def lease_lost() -> Outcome:
    return outcomes.transient(LEASE_LOST, "Another worker took this over, or it was replaced.")


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
    discovered = answers.facts_of_renewal(credential, grant)
    chains.remember_renewal(credential, kept.secrets, secrets)
    if any(kept.secrets.get(name) != value for name, value in secrets.items()):
        kept.secrets = {**kept.secrets, **secrets}
        kept.save(update_fields=["secrets", "updated_at"])
        credential.secrets, credential.secret_names = dict(kept.secrets), kept.secret_names
    if any(kept.properties.get(name) != value for name, value in discovered.items()):
        kept.properties = {**kept.properties, **discovered}
        kept.save(update_fields=["properties", "updated_at"])
        credential.properties, credential.secrets = dict(kept.properties), dict(kept.secrets)


def issued_secrets(kind: type[Credential], grant: TokenGrant) -> Secrets:
    """The grant's tokens, by the names of the secret properties that they are stored in."""
    flow = kind.oauth
    if flow is None:
        return Secrets()
    tokens = {flow.refresh_property: grant.refresh_token, flow.access_property: grant.access_token}
    names = kind.properties_class.secret_names()
    return Secrets({name: value for name, value in tokens.items() if name in names and value})


def record_failure(lease: RenewalLease, outcome: Outcome, *, again: bool = True) -> None:
    """Store a failed attempt and the time of the next. `again=False`: the worker does not retry."""
    now = clock.now()
    failures = lease.token.failures + 1
    next_try_at = now + retry_delay(outcome, failures)
    release(
        lease.token,
        failures=F("failures") + 1,
        next_try_at=next_try_at,
        # Moved with it, so that it does not precede other due tokens in the claim.
        refresh_at=next_try_at if again and lease.token.refresh_at else None,
        refusal=as_refusal(outcome),
        journal=record_attempt_end(lease.token.journal, outcome.code, now),
        **({"grant_refused": True} if is_refused_grant(lease, outcome) else {}),
    )


def is_refused_grant(lease: RenewalLease, outcome: Outcome) -> bool:
    """Whether the provider no longer takes the refresh token; not, for example, the client."""
    flow = lease.token.credential.oauth
    return bool(flow and outcome.code in flow.refused_codes)


def retry_delay(outcome: Outcome, failures: int) -> timedelta:
    """How long to wait after the `failures`-th failure in a row: exponential, about a day when the
    grant is revoked."""
    if outcome.verdict is Verdict.CUSTOMER:
        return REFUSED_RETRY_AFTER * random.uniform(1, 1.1)  # noqa: S311
    first, longest = BACKOFF_S
    seconds = min(first * 2 ** min(failures - 1, 10), longest) * random.uniform(0.5, 1)  # noqa: S311
    return timedelta(seconds=max(seconds, outcome.retry_after_s or 0))


def as_refusal(outcome: Outcome) -> dict[str, Any]:
    names = ("code", "message", "remedy", "of_app")
    return {"verdict": outcome.verdict.value} | {name: getattr(outcome, name) for name in names}


def record_attempt_end(
    journal: list[dict[str, Any]], code: str, at: datetime
) -> list[dict[str, Any]]:
    """The journal with `ended` and `code` set on its last attempt."""
    if not journal:
        return []
    return [*journal[:-1], {**journal[-1], "ended": at.isoformat(), "code": code}]


def stored_access_token(token: Token) -> str:
    """Empty when there is none."""
    return str(token.secrets.get("access_token", ""))


def margin_s(token: Token) -> float:
    """How long before its expiry a token counts as expired: 10 % of its lifetime, 60 s to 5 min."""
    if token.lifetime_s is None:
        return 0
    return max(LEAST_MARGIN_S, min(MARGIN_S, token.lifetime_s / 10))


def required_ttl_s(token: Token, min_ttl_s: float) -> float:
    """How long a token must be valid to be returned: at most 90 % of its lifetime, as a longer
    `min_ttl_s` would renew it on every call."""
    if token.lifetime_s is None:
        return 0
    return max(margin_s(token), min(min_ttl_s, 0.9 * token.lifetime_s))


def compute_expiry(credential: Credential, grant: TokenGrant, now: datetime) -> datetime | None:
    """When the access token expires: as the provider says, else by the kind's default. None, which
    is never, only for tokens that can't be renewed."""
    default = credential.oauth.access_life_s if credential.oauth else 3600
    lifetime_s = default if grant.expires_in_s is None else grant.expires_in_s
    if grant.expires_in_s is None and not is_renewable(credential):
        return None
    return now + timedelta(seconds=lifetime_s)


def compute_refresh_at(now: datetime, expires_at: datetime | None) -> datetime | None:
    """A random time at 65 to 82 % of the lifetime, so that tokens issued together are not refreshed
    together."""
    if expires_at is None:
        return None
    return now + (expires_at - now) * random.uniform(0.65, 0.82)  # noqa: S311


def lost_answer_outcome(credential: Credential, outcome: Outcome) -> Outcome:
    """The outcome of `invalid_grant` after an attempt that got no response."""
    return outcomes.customer(
        "answer_lost",
        f"{credential.provider_title} renewed the access, but its answer was lost on the way to "
        "us, and it does not repeat answers. The old refresh token is spent.",
        outcome.remedy,
        outcome.customer_remedy,
    )
