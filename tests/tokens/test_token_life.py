"""State machine test of a token: no token is lost, whatever happens in any order."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sequin_admin.access.models import Organization
from sequin_admin.core import clock
from sequin_admin.core.http import Unreachable
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.kinds import TokenGrant
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.tokens import grants, protocol, renewal, renewal_leases
from sequin_admin.tokens.models import Token
from tests.due_work import refresh_due
from tests.factories import make_credential, make_oauth_app

LIFE_S = 3600
DAY = timedelta(days=1)
# Outcomes of a call to the token endpoint; the last two take effect at the provider.
ENDINGS = st.sampled_from(["answered", "answered", "outage", "never arrived", "lost"])


class Provider:
    """A token endpoint that rotates. With `grace_s` it repeats its response to a used token."""

    def __init__(self, grace_s):
        self.grace_s = grace_s
        self.alive, self.number = True, 1
        self.spent = {}  # refresh token -> (when, its response)

    def newest(self):
        return f"refresh-{self.number}"

    def in_grace(self, token):
        at, _ = self.spent[token]
        return clock.now() - at < timedelta(seconds=self.grace_s)

    def accepts(self, token):
        return self.alive and (
            token == self.newest() or (token in self.spent and self.in_grace(token))
        )

    def renew(self, token):
        if not self.accepts(token):
            # Reuse of a refresh token ends the grant where there is no grace time.
            self.alive = self.alive and token not in self.spent
            raise Refused(outcomes.customer("invalid_grant", "It ended.", "Connect again."))
        if token in self.spent:
            return self.spent[token][1]
        self.number += 1
        grant = TokenGrant(f"access-{self.number}", self.newest(), expires_in_s=LIFE_S)
        self.spent[token] = (clock.now(), grant)
        return grant


class Life(RuleBasedStateMachine):
    """One credential, its provider, and everything that may happen to them."""

    @initialize(graceful=st.booleans())
    def connect(self, graceful):
        slug = "linear_oauth2" if graceful else "airtable_oauth2"
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(clock, "now", lambda: self.now)
        self.patch.setattr(protocol, "refresh", self.call)
        organization, _ = Organization.objects.get_or_create(name="Life", slug="life")
        app = make_oauth_app(
            organization, slug.partition("_")[0], secrets_changed_at=self.now - DAY
        )
        self.credential = make_credential(organization, slug, oauth_app=app, identity=f"{app.pk}")
        self.provider = Provider(self.credential.oauth.grace_s)
        self.credential.secrets = {**self.credential.secrets, "refresh_token": "refresh-1"}
        self.credential.save()
        grants.store_grant(
            self.credential, TokenGrant("access-1", "refresh-1", expires_in_s=LIFE_S)
        )
        self.ending, self.missed, self.versions = "answered", False, [1]
        self.abandoned, self.refused_at = [], []

    def teardown(self):
        self.credential.delete()
        self.patch.undo()

    def call(self, kind, context, refresh_token):
        """Replaces the call to the token endpoint."""
        if self.ending == "never arrived":
            raise Unreachable("No connection.")
        if self.ending == "outage":
            raise Refused(outcomes.transient("unavailable", "Down."))
        try:
            grant = self.provider.renew(refresh_token)
        except Refused:
            self.refused_at.append(self.now)
            raise
        if self.ending == "lost":
            self.missed = True
            raise Unreachable("The answer did not come.")
        return grant

    def row(self):
        return Token.objects.get(pk=self.credential.pk)

    def fresh(self):
        return Credential.objects.select_related("oauth_app").get(pk=self.credential.pk)

    def nobody_holds_it(self):
        until = self.row().lease_until
        return until is None or until <= self.now

    def judged(self, act):
        """Run an action and check that nobody must act without a reason."""
        could = self.provider.accepts(self.fresh().secrets["refresh_token"])
        before, asked = self.row(), len(self.refused_at)
        try:
            text = act()
        except Refused as refusal:
            newly_blamed = refusal.outcome.verdict is Verdict.CUSTOMER
            if newly_blamed and len(self.refused_at) > asked and could:
                raise AssertionError("The provider would have renewed it.") from refusal
        else:
            after = self.row()
            assert text == after.secrets["access_token"]
            assert after.expires_at > self.now, "No reader gets a token that is over."
            if after.version > before.version:
                self.missed = False

    @rule(seconds=st.sampled_from([1, 50, 700, 1900, 4000, 90_000]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(ending=ENDINGS)
    @precondition(lambda self: self.nobody_holds_it())
    def somebody_reads(self, ending):
        self.ending = ending
        self.judged(lambda: renewal.get_access_token(self.fresh()))

    @rule(ending=ENDINGS)
    @precondition(lambda self: self.nobody_holds_it())
    def the_provider_refuses_the_token(self, ending):
        self.ending = ending
        refused = self.row().secrets["access_token"]
        self.judged(lambda: renewal.refresh(self.fresh(), refused=refused))

    @rule(ending=ENDINGS)
    def a_worker_comes_by(self, ending):
        self.ending = ending
        refresh_due()
        if self.row().version > self.versions[-1]:
            self.missed = False

    @rule(arrived=st.booleans())
    @precondition(lambda self: self.nobody_holds_it())
    def a_holder_is_killed_in_its_call(self, arrived):
        if renewal_leases.acquire_lease(self.row()) and arrived:
            try:
                self.provider.renew(self.fresh().secrets["refresh_token"])
            except Refused:
                return
            self.missed = True

    @rule()
    @precondition(lambda self: self.nobody_holds_it())
    def a_holder_is_so_slow_that_its_lease_ends(self):
        lease = renewal_leases.acquire_lease(self.row())
        try:
            grant = self.provider.renew(self.fresh().secrets["refresh_token"])
        except Refused:
            return
        self.missed = True
        self.abandoned.append((lease, grant))

    @rule()
    @precondition(lambda self: self.abandoned)
    def the_slow_holder_comes_back(self):
        """Its response is stored only while no other process has taken over."""
        lease, grant = self.abandoned.pop()
        mine = self.row().lease_fence == lease.fence
        before = self.row().version
        try:
            grants.store_grant(self.fresh(), grant, lease=lease)
        except Refused:
            assert not mine
            assert self.row().version == before
        else:
            assert mine
            self.missed = False

    @rule()
    def the_customer_revokes(self):
        self.provider.alive = False

    @invariant()
    def what_is_stored_can_still_be_renewed(self):
        """Unless the provider's rules make that impossible."""
        stored = self.fresh().secrets["refresh_token"]
        spent_too_long = stored in self.provider.spent and not self.provider.in_grace(stored)
        if self.provider.alive and not (self.missed and spent_too_long):
            assert self.provider.accepts(stored)

    @invariant()
    def an_answer_is_written_once(self):
        version = self.row().version
        assert version in (self.versions[-1], self.versions[-1] + 1)
        self.versions.append(version)

    @invariant()
    def a_dead_grant_is_left_alone_for_a_day(self):
        """One attempt may ask twice: with the token before, where there is a grace time."""
        gaps = [later - before for before, later in pairwise(sorted(set(self.refused_at)))]
        assert all(gap >= DAY for gap in gaps), gaps

    @invariant()
    def at_most_one_attempt_is_open(self):
        opened = [attempt for attempt in self.row().journal if "ended" not in attempt]
        assert len({attempt["fence"] for attempt in opened}) == len(opened)


@pytest.mark.parametrize(
    "lives",
    [
        10,
        pytest.param(50, marks=pytest.mark.faults),
        pytest.param(1000, marks=pytest.mark.drills),
    ],
)
@pytest.mark.django_db
def test_the_life_of_a_token(lives, monkeypatch):
    # Waiting is for concurrent processes; here everything is sequential.
    monkeypatch.setattr(renewal, "WAIT_S", 0.05)
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=lives,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
