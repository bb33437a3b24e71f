"""What people read about the token of every kind, in every state: never more than is true."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import ClientCredentialsKind, KeyKind, OAuthKind, PasswordKind
from sequin_admin.tokens.lifetimes import is_renewable
from sequin_admin.tokens.models import Token
from sequin_admin.tokens.summary import summarize_token
from tests.factories import make_credential

HOUR = timedelta(hours=1)
STATES = ("not connected", "connected", "issued", "expired", "revoked", "disabled")
SENT = "with every call"


def summary_in(state, kind, organization):
    """The summary of a credential of the kind in the state."""
    lost = {"secrets": {}, "identity": None} if state == "not connected" else {}
    disabled_at = clock.now() if state == "disabled" else None
    row = make_credential(organization, kind.slug, disabled_at=disabled_at, **lost)
    token, now = None, clock.now()
    if is_renewable(row) and state in ("issued", "expired", "revoked", "disabled"):
        ends = now + (-HOUR if state in ("expired", "revoked") else HOUR)
        refused = state == "revoked"
        dates = {"issued_at": ends - HOUR, "expires_at": ends, "grant_refused": refused}
        token = Token(credential=row, version=1, **dates)
    return row, summarize_token(row, token, now)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
def test_no_kind_says_of_its_token_what_is_not_true(kind, state, organization):
    row, summary = summary_in(state, kind, organization)
    said = f"{summary.words}. {summary.sentence}"

    lasts = not is_renewable(row) and state not in ("not connected", "disabled")
    assert (SENT in said or "Every call" in said) == lasts
    assert ("does not expire" in said) == (lasts and issubclass(kind, OAuthKind))
    assert ("not connected" in said) == (state == "not connected")
    assert ("Disabled" in said) == (state == "disabled")
    if is_renewable(row):
        assert ("It is renewed" in said) == (state == "issued")
        assert ("has ended" in said) == (state == "revoked")
        assert (summary.at is not None) == (state in ("issued", "expired", "revoked"))


def test_every_kind_has_one_way_in():
    ways = (KeyKind, PasswordKind, ClientCredentialsKind, OAuthKind)

    assert all(sum(issubclass(kind, way) for way in ways) == 1 for kind in kinds.all())


@pytest.mark.parametrize("slug", ["linear_oauth2", "shopify_oauth2"])
@pytest.mark.parametrize("ends", [None, -HOUR, HOUR])
def test_an_access_token_without_a_refresh_token(organization, slug, ends):
    row = make_credential(organization, slug, secrets={"access_token": "lin_oauth_sample"})
    now = clock.now()
    token = Token(credential=row, version=1, issued_at=now, expires_at=ends and now + ends)

    summary = summarize_token(row, token, now)

    words = "does not expire" if ends is None else "expired" if ends < -ends else "expires"
    assert summary.words == words
    assert ("can't be renewed" in summary.sentence) == (ends is not None)
