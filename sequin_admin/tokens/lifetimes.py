"""How long access tokens live, and from when on they count as expired."""

from dataclasses import replace
from datetime import datetime, timedelta

from sequin_admin.core.jitter import jittered
from sequin_admin.core.words import count_words
from sequin_admin.credentials import grant_ends
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Verdict
from sequin_admin.tokens.models import Token

LEAST_MARGIN_S = 60
# During a renewal the old token is returned while it is valid for longer than this.
LEAST_LEFT_S = 10
MARGIN_S = 300
# The shares of its lifetime between which a token is renewed.
RENEWED_AT = (0.65, 0.82)
SHORT_LIFE = "short_life"


def is_renewable(credential: Credential) -> bool:
    """Whether its access tokens are renewed. Keys and passwords are sent as they are."""
    if credential.mints_tokens():
        return True
    flow = credential.oauth
    # By name: nothing is decrypted to answer this.
    return flow is not None and flow.refresh_property in credential.secret_names


def has_short_life(token: Token) -> bool:
    """Whether it counts as expired as soon as it is issued, or seconds later."""
    return token.lifetime_s is not None and token.lifetime_s < LEAST_MARGIN_S + LEAST_LEFT_S


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


def compute_expiry(
    credential: Credential, grant: TokenGrant, issued_at: datetime
) -> datetime | None:
    """When the access token expires: as the provider says, else by the kind's default. None, which
    is never, only for tokens that can't be renewed."""
    default = credential.oauth.access_life_s if credential.oauth else 3600
    lifetime_s = default if grant.expires_in_s is None else grant.expires_in_s
    if grant.expires_in_s is None and not is_renewable(credential):
        return None
    return issued_at + timedelta(seconds=lifetime_s)


def renewable_until(token: Token, grant: TokenGrant) -> datetime | None:
    """When the access token expires, or before that the refresh token of the same answer, which may
    not be kept unused for longer. One that lives for less than five minutes is renewed as if it
    lived so long."""
    life_s = grant_ends.life_in(grant_ends.OF_REFRESH_TOKEN, grant.raw)
    if not life_s or token.issued_at is None or token.expires_at is None:
        return token.expires_at
    return min(token.expires_at, token.issued_at + timedelta(seconds=max(life_s, MARGIN_S)))


def compute_refresh_at(issued_at: datetime, expires_at: datetime | None) -> datetime | None:
    """A random time at 65 to 82 % of the lifetime, so that tokens issued together are not refreshed
    together."""
    if expires_at is None:
        return None
    return issued_at + jittered(expires_at - issued_at, *RENEWED_AT)


def short_life_outcome(credential: Credential, life_s: float, gap_s: float) -> Outcome:
    provider = credential.provider_title
    life, gap = count_words(round(life_s), "second"), count_words(round(gap_s), "second")
    return Outcome(
        Verdict.TRANSIENT,
        SHORT_LIFE,
        f"{provider} gave us an access token that lives for {life} only.",
        f"Set a longer life of access tokens at {provider}, five minutes at least. Until then we "
        f"ask for the next one no sooner than after {gap}.",
    )


def with_short_life(credential: Credential, outcome: Outcome) -> Outcome:
    """The outcome of a successful probe, or why its token will hardly be of use."""
    token = Token.objects.filter(pk=credential.pk).defer("secrets").first()
    if not outcome.ok or token is None or token.refusal.get("code") != SHORT_LIFE:
        return outcome
    return replace(outcome, **{**token.refusal, "verdict": Verdict(token.refusal["verdict"])})
