"""The life of an access token: read it, renew it, and never lose the refresh token.

Only the holder of a credential's lease calls the token endpoint. The call happens outside any
transaction and ends before the lease does, which is renewed meanwhile; its answer is written only
while the lease's fence is still the newest. Everybody else waits, or uses the old token while it
lives.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import FAILURES, Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.tokens import leases, protocol
from sequin_admin.tokens.leases import LEASE, RenewalLease, take
from sequin_admin.tokens.models import Token

WAIT_S = LEASE.total_seconds() + 2
LONGEST_PAUSE_S = 1.0
LEAST_MARGIN_S = 60
# While it is being renewed an old token is given out as long as there is time to use it.
LEAST_LEFT_S = 10
MARGIN_S = 300
BACKOFF_S = (5, 900)
DEAD_FOR = timedelta(days=1)


def renews(credential: Credential) -> bool:
    """Whether its access tokens are renewed at all. Keys and passwords are sent as they are."""
    flow = credential.oauth
    # By name: nothing is decrypted to answer this.
    return credential.mints or bool(flow and flow.refresh_property in credential.secret_names)


def current(credential: Credential, *, min_ttl_s: float = 0, force: bool = False) -> str:
    """An access token valid for at least `min_ttl_s` seconds and the margin. Raises `Refused`."""
    if not renews(credential):
        return credential.static_token()
    token = Token.objects.filter(pk=credential.pk).first()
    if token is None or not token.lives(clock.now(), margin_s(token)):
        return renew(credential, force=force)
    if token.lives(clock.now(), wanted_s(token, min_ttl_s)):
        return access_token(token)
    return renew(credential, beyond=token.version, force=force)


def read_token(credential: Credential, *, min_ttl_s: float = 0) -> tuple[str, datetime | None]:
    """As `current()`, with the token's end, for a credential that was read joined with its token.

    While the token lives long enough this asks the database nothing more. Raises `Refused`.
    """
    token: Token | None = getattr(credential, "token", None)
    if not renews(credential):
        return credential.static_token(), token.expires_at if token else None
    if token and token.lives(clock.now(), wanted_s(token, min_ttl_s)):
        return access_token(token), token.expires_at
    current(credential, min_ttl_s=min_ttl_s)
    return sealed_token(credential)


def sealed_token(credential: Credential) -> tuple[str, datetime | None]:
    """The stored token and its end, of one and the same version; what was learned with it, too."""
    credential.refresh_from_db(fields=["properties"])
    token = Token.objects.get(pk=credential.pk)
    return access_token(token), token.expires_at


def refresh(credential: Credential, *, refused: str = "", force: bool = False) -> str:
    """A newer token than `refused`, the one the provider turned down. Raises `Refused`."""
    token = Token.objects.filter(pk=credential.pk).first()
    # A token that is due is renewed or exchanged, whatever we knew when we read the credential.
    if not renews(credential) and not (token and token.refresh_at):
        raise Refused(credential.cannot_renew())
    if refused and token and token.version and access_token(token) != refused:
        return access_token(token)
    return renew(credential, beyond=token.version if token else 0, force=force)


def exchange(credential: Credential) -> str:
    """Replace a token of an old sort by one that can be renewed. Raises `Refused`.

    It ends the old token, so what is begun here and gets no answer is finished by the worker.
    """
    Token.objects.get_or_create(credential=credential)
    Token.objects.filter(pk=credential.pk, refresh_at=None).update(refresh_at=clock.now())
    lease = take(Token.objects.get(pk=credential.pk))
    if lease is None:
        raise Refused(outcomes.transient("busy", "Another worker is exchanging this token."))
    return renew_under(lease)


def refresh_due(limit: int = 100, stopped: Callable[[], bool] = lambda: False) -> int:
    """Renew the tokens whose time has come, one by one. Returns how many were renewed.

    `stopped` is asked before each: a worker that must end does not begin another one.
    """
    renewed = 0
    for _ in range(limit):
        claimed = [] if stopped() else leases.claim_due(1)
        if not claimed:
            break
        renewed += renew_claimed(claimed[0])
    return renewed


def renew_claimed(lease: RenewalLease) -> bool:
    """Whether it worked. A refusal is noted on the token, and the credential is checked at once."""
    if not leases.still_held(lease):
        return False
    try:
        renew_under(lease)
    except Refused:
        Credential.objects.filter(pk=lease.token.pk).update(check_due_at=clock.now())
        return False
    return True


def renew(credential: Credential, *, beyond: int | None = None, force: bool = False) -> str:
    """Renew, or wait for whoever is renewing. `beyond` is the version that is no longer good."""
    for token in polls(credential):
        if is_new_enough(token, beyond):
            return access_token(token)
        if not force and is_backing_off(token, credential):
            return living_or_refused(token, beyond)
        lease = take(token)
        if lease:
            return renew_under(lease)
        if is_good_meanwhile(token, beyond):
            return access_token(token)
    raise Refused(outcomes.transient("busy", "Another worker is still renewing this token."))


def is_new_enough(token: Token, beyond: int | None) -> bool:
    moved = beyond is None or token.version > beyond
    return moved and token.lives(clock.now(), margin_s(token))


def is_good_meanwhile(token: Token, beyond: int | None) -> bool:
    """Whether the old token may be given out as long as there is no new one."""
    return beyond is None and token.lives(clock.now(), LEAST_LEFT_S)


def is_backing_off(token: Token, credential: Credential) -> bool:
    """Whether renewals back off. A new secret of the OAuth app may have mended it: then not."""
    if token.next_try_at is None or token.next_try_at <= clock.now():
        return False
    app = credential.oauth_app
    tried_at = datetime.fromisoformat(token.journal[-1]["at"])
    return app is None or app.secrets_changed_at < tried_at


def living_or_refused(token: Token, beyond: int | None) -> str:
    """While renewals back off: the old token as long as it lives, then the reason they fail."""
    if is_good_meanwhile(token, beyond):
        return access_token(token)
    refusal = dict(token.refusal)
    wait_s = (token.next_try_at - clock.now()).total_seconds() if token.next_try_at else None
    raise Refused(Outcome(Verdict(refusal.pop("verdict")), **refusal, retry_after_s=wait_s))


def polls(credential: Credential) -> Iterator[Token]:
    """The token row again and again, until waiting makes no sense.

    The pauses grow: hundreds may wait for one slow answer, and it must get through to them.
    """
    ends, pause_s = time.monotonic() + WAIT_S, 0.1
    while time.monotonic() < ends:
        token, _ = Token.objects.get_or_create(credential=credential)
        yield token
        time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads waiters, guards nothing
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


def renew_under(lease: RenewalLease) -> str:
    """Call the provider as the holder of `lease` and store what came of it."""
    # Read under the lease: the former holder has perhaps stored a newer refresh token.
    credential = Credential.objects.select_related("oauth_app").get(pk=lease.token.pk)
    try:
        with leases.held(lease):
            grant = obtain(credential, lease)
    except FAILURES as error:
        outcome = credential.classify_failure(error)
        fail(lease, outcome, again=renews(credential) or outcome.verdict is Verdict.TRANSIENT)
        raise Refused(outcome) from None
    return store_grant(credential, grant, lease=lease)


def obtain(credential: Credential, lease: RenewalLease) -> TokenGrant:
    """Mint, exchange, or refresh; with the previous refresh token within the kind's grace time."""
    if credential.mints:
        return credential.mint()
    kind, flow, context = type(credential), credential.oauth, credential.context()
    if flow is None:
        raise Refused(credential.cannot_renew())
    try:
        if not renews(credential):
            return credential.exchange_token()
        return protocol.refresh(kind, context, credential.secrets[flow.refresh_property])
    except Refused as refusal:
        if refusal.outcome.verdict is not Verdict.CUSTOMER:
            raise
        previous = lease.token.secrets.get("previous_refresh_token")
        if previous and lease.token.previous_until and lease.token.previous_until > clock.now():
            return protocol.refresh(kind, context, previous)
        if lease.cut_off_before:
            raise Refused(answer_lost(credential, refusal.outcome)) from None
        raise


def store_grant(
    credential: Credential, grant: TokenGrant, *, lease: RenewalLease | None = None
) -> str:
    """Write a fresh grant: the access token, and the refresh token when a new one came.

    Without a lease (a connect trip has just ended) it takes over whatever renewal is under way.
    """
    with transaction.atomic():
        if lease is None:
            Token.objects.get_or_create(credential=credential)
        token = Token.objects.select_for_update().get(pk=credential.pk)
        if lease and token.lease_fence != lease.fence:
            raise Refused(outcomes.transient("lease_lost", "Another worker took this over."))
        keep_what_is_new(credential, token, grant)
        now = clock.now()
        token.issued_at, token.expires_at = now, expiry(credential, grant, now)
        token.refresh_at = refresh_time(now, token.expires_at) if renews(credential) else None
        token.secrets = {**token.secrets, "access_token": grant.access_token}
        token.scope = grant.scope or token.scope
        token.version += 1
        token.lease_fence += 0 if lease else 1
        token.lease_until, token.failures, token.next_try_at, token.refusal = None, 0, None, {}
        token.journal = record_attempt_end(token.journal, "ok", now)
        token.save()
    return grant.access_token


def keep_what_is_new(credential: Credential, token: Token, grant: TokenGrant) -> None:
    """Take over the secrets and facts of a grant.

    The spent refresh token stays for the kind's grace time.
    """
    kept = Credential.objects.select_for_update().get(pk=credential.pk)
    flow, secrets = credential.oauth, issued(type(credential), grant)
    old = kept.secrets.get(flow.refresh_property) if flow else None
    if flow and flow.grace_s and old and secrets.get(flow.refresh_property, old) != old:
        token.secrets = {**token.secrets, "previous_refresh_token": old}
        token.previous_until = clock.now() + timedelta(seconds=flow.grace_s)
    facts = {n: v for n, v in credential.properties_from_grant(grant).items() if v is not None}
    if any(kept.secrets.get(name) != value for name, value in secrets.items()):
        kept.secrets = {**kept.secrets, **secrets}
        kept.save(update_fields=["secrets", "updated_at"])
        credential.secrets, credential.secret_names = dict(kept.secrets), kept.secret_names
    if any(kept.properties.get(name) != value for name, value in facts.items()):
        kept.properties = {**kept.properties, **facts}
        kept.save(update_fields=["properties", "updated_at"])
        credential.properties = dict(kept.properties)


def issued(kind: type[Credential], grant: TokenGrant) -> dict[str, str]:
    """The grant's tokens under the names of the properties that keep them."""
    flow = kind.oauth
    if flow is None:
        return {}
    tokens = {flow.refresh_property: grant.refresh_token, flow.access_property: grant.access_token}
    names = kind.properties_class.secret_names()
    return {name: value for name, value in tokens.items() if name in names and value}


def fail(lease: RenewalLease, outcome: Outcome, *, again: bool = True) -> None:
    """Note a failed attempt and when to try again: a dead grant is asked once a day at the most."""
    now = clock.now()
    failures = lease.token.failures + 1
    next_try_at = now + pause(outcome, failures)
    Token.objects.filter(pk=lease.token.pk, lease_fence=lease.fence).update(
        failures=F("failures") + 1,
        lease_until=None,
        next_try_at=next_try_at,
        # So that it does not stand before those whose time has come.
        refresh_at=next_try_at if again and lease.token.refresh_at else None,
        refusal=as_refusal(outcome),
        journal=record_attempt_end(lease.token.journal, outcome.code, now),
    )


def pause(outcome: Outcome, failures: int) -> timedelta:
    """How long to leave the token endpoint alone after the `failures`-th failure in a row."""
    if outcome.verdict is Verdict.CUSTOMER:
        return DEAD_FOR * random.uniform(1, 1.1)  # noqa: S311
    first, longest = BACKOFF_S
    seconds = min(first * 2 ** min(failures - 1, 10), longest) * random.uniform(0.5, 1)  # noqa: S311
    return timedelta(seconds=max(seconds, outcome.retry_after_s or 0))


def as_refusal(outcome: Outcome) -> dict[str, Any]:
    names = ("code", "message", "remedy", "of_app")
    return {"verdict": outcome.verdict.value} | {name: getattr(outcome, name) for name in names}


def record_attempt_end(
    journal: list[dict[str, Any]], code: str, at: datetime
) -> list[dict[str, Any]]:
    """The journal with its last attempt closed."""
    if not journal:
        return []
    return [*journal[:-1], {**journal[-1], "ended": at.isoformat(), "code": code}]


def access_token(token: Token) -> str:
    return str(token.secrets["access_token"])


def margin_s(token: Token) -> float:
    """How long before its end a token counts as over: 10 % of its life, 60 s to 5 minutes."""
    if token.life_s is None:
        return 0
    return max(LEAST_MARGIN_S, min(MARGIN_S, token.life_s / 10))


def wanted_s(token: Token, min_ttl_s: float) -> float:
    """How long a token must live to be given out. No provider is asked for more than it gives."""
    if token.life_s is None:
        return 0
    return max(margin_s(token), min(min_ttl_s, 0.9 * token.life_s))


def expiry(credential: Credential, grant: TokenGrant, now: datetime) -> datetime | None:
    """When the access token ends: the provider's word, else the kind's default, never "never"
    for a token that can be renewed."""
    default = credential.oauth.access_life_s if credential.oauth else 3600
    lives = default if grant.expires_in_s is None else grant.expires_in_s
    if grant.expires_in_s is None and not renews(credential):
        return None
    return now + timedelta(seconds=lives)


def refresh_time(now: datetime, expires_at: datetime | None) -> datetime | None:
    """Ahead of expiry, spread over a sixth of the life: tokens issued together part ways."""
    if expires_at is None:
        return None
    return now + (expires_at - now) * random.uniform(0.65, 0.82)  # noqa: S311


def answer_lost(credential: Credential, outcome: Outcome) -> Outcome:
    """`invalid_grant` right after an attempt whose answer never reached us: say so."""
    return outcomes.customer(
        "answer_lost",
        f"{credential.provider_title} renewed the access, but its answer was lost on the way to "
        "us, and it does not repeat answers. The old refresh token is spent.",
        outcome.remedy,
    )
