"""Whatever a provider answers, every function that reads it ends in an outcome.

The good answers of every kind are recorded at the simulator and given again, one of them with a
value dropped, set to null, of another type, or nested.
"""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequin_admin.connect import credential_operations, flow
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.syncs import catalogue
from sequin_admin.tokens import renewal
from sequin_admin.tokens.models import Token
from tests.providers.recorded import changed_answers, playing, recording

KINDS = pytest.mark.parametrize("slug", [kind.slug for kind in kinds.all()])


class Readers:
    """The functions of one kind that read answers, each with its good answers."""

    def __init__(self, slug, organization, user, connected, monkeypatch):
        self.kind, self.organization, self.user = kinds.get(slug), organization, user
        finish, self.callback = flow.finish, {}

        def finish_and_keep(params, **options):
            self.callback = dict(params)
            return finish(params, **options)

        with monkeypatch.context() as patched, recording(monkeypatch) as self.connecting:
            patched.setattr(flow, "finish", finish_and_keep)
            self.credential = connected(slug)
        self.parsed = self.fresh().parsed()
        # What signs the callback is no answer: it is tested elsewhere.
        monkeypatch.setattr(self.kind, "check_callback", lambda context: None)
        self.answers = {"connect": self.connecting}
        for name in ("probe", "renew", "read_collections", "revoke"):
            with recording(monkeypatch) as self.answers[name]:
                self.run(name)

    def fresh(self):
        return Credential.objects.select_related("oauth_app").get(pk=self.credential.pk)

    def run(self, name):
        """Run one of the functions. Returns its outcome."""
        return getattr(self, name)()

    def connect(self):
        if self.kind.oauth is None:
            draft = credential_operations.draft_of(self.organization, self.parsed)
            credential_operations.drop_discovered(draft)
            outcome = credential_operations.probe_draft(draft)
            credential_operations.save_draft(draft, actor=self.user)
            return outcome
        url = flow.start(
            self.organization,
            self.kind,
            user=self.user,
            session_key="browser",
            oauth_app=self.credential.oauth_app,
            inputs={
                name: value
                for name, value in self.parsed.plain_values().items()
                if name in self.kind.oauth.required_properties
            },
        )
        session = flow.finish(
            {**self.callback, "state": parse_qs(urlsplit(url).query)["state"][0]},
            user=self.user,
            session_key="browser",
            provider=self.kind.provider,
        )
        assert session.credential or session.failure
        assert session.finished_at
        return session

    def probe(self):
        return probes.verify(self.fresh())

    def renew(self):
        credential = self.fresh()
        if not renewal.is_renewable(credential):
            return None
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(pk=credential.pk).update(expires_at=past, next_try_at=None)
        try:
            return renewal.get_access_token(credential, force=True)
        except Refused as refused:
            return refused.outcome

    def read_collections(self):
        refresh = catalogue.start_refresh(self.fresh(), actor=None)
        catalogue.refresh_claimed(refresh)
        refresh.refresh_from_db()
        assert refresh.status != "processing"
        return refresh

    def revoke(self):
        return credential_operations.revoke_access(self.fresh())


class undone(transaction.Atomic):
    """A transaction that is rolled back."""

    def __init__(self):
        super().__init__(using=None, savepoint=True, durable=False)

    def __exit__(self, *error):
        if error[0] is None:
            transaction.set_rollback(True)
        super().__exit__(*error)


@pytest.fixture
def readers(slug, organization, user, connected, monkeypatch):
    return Readers(slug, organization, user, connected, monkeypatch)


@KINDS
def test_an_odd_answer_is_an_outcome(readers, monkeypatch):
    check_answers(readers, monkeypatch, examples=15)


@KINDS
@pytest.mark.faults
def test_any_odd_answer_is_an_outcome(readers, monkeypatch):
    check_answers(readers, monkeypatch, examples=300)


def check_answers(readers, monkeypatch, *, examples):
    names = [name for name, answers in readers.answers.items() if answers]

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=examples < 100,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.data())
    def check(data):
        name = data.draw(st.sampled_from(names))
        answers = data.draw(changed_answers(readers.answers[name]))
        with playing(monkeypatch, answers), undone():
            outcome = readers.run(name)
            if isinstance(outcome, Outcome) and outcome.code == "unexpected_answer":
                assert outcome.verdict is Verdict.TRANSIENT
                assert outcome.evidence["status"]

    check()
