"""Whatever a provider answers, every function that reads it ends in an outcome.

The good answers of every kind are recorded at the simulator and given again, one of them with a
value dropped, set to null, of another type, or nested.
"""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequin_admin.connect import credential_operations, flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.health.models import Check
from sequin_admin.syncs import catalogue
from sequin_admin.tokens import lifetimes, renewal
from sequin_admin.tokens.models import Token
from tests.factories import make_credential
from tests.providers.recorded import Change, Recorded, changed_answers, paths, playing, recording

KINDS = pytest.mark.parametrize("slug", [kind.slug for kind in kinds.all()])


NOTHING = [Recorded(200, {}, b"")]


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
        if self.kind.oauth:
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
        if not lifetimes.is_renewable(credential):
            return None
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(pk=credential.pk).update(expires_at=past, next_try_at=None)
        try:
            token = renewal.get_access_token(credential, force=True)
            assert isinstance(token, str)
            assert token
            return token
        except Refused as refused:
            return refused.outcome

    def read_collections(self):
        refresh = catalogue.start_refresh(self.fresh(), actor=None)
        assert [catalogue.refresh_claimed(claimed) for claimed in catalogue.claim_due(1)] == [True]
        refresh.refresh_from_db()
        assert refresh.status != "processing"
        return refresh

    def revoke(self):
        return credential_operations.revoke_access(self.fresh(), "", actor=self.user)


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
    for name, answers in readers.answers.items():
        nested = [replace(a, body=b"[" * 60_000) for a in answers]
        with playing(monkeypatch, nested or NOTHING), undone():
            readers.run(name)
    check_answers(readers, monkeypatch, examples=3)


@KINDS
@pytest.mark.parametrize(
    "examples",
    [pytest.param(30, marks=pytest.mark.faults), pytest.param(300, marks=pytest.mark.drills)],
)
def test_any_odd_answer_is_an_outcome(readers, monkeypatch, examples):
    check_answers(readers, monkeypatch, examples=examples)


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


def given_again(readers, monkeypatch, name, change):
    """Run a function with `change` in each of its good answers that has the place."""
    places = [change.path in set(paths(a.value())) for a in readers.answers[name]]
    assert any(places)
    answers = [
        replace(a, body=json.dumps(change.apply(a.value())).encode()) if has else a
        for a, has in zip(readers.answers[name], places, strict=True)
    ]
    with playing(monkeypatch, answers):
        return readers.run(name)


INSTALLED = ("installations", 0, "account")
SEEN = {
    "github_app": [
        ("connect", Change(INSTALLED, "replace", None)),
        ("connect", Change(INSTALLED, "drop")),
        ("connect", Change((*INSTALLED, "login"), "replace", None)),
        ("probe", Change(("account",), "replace", None)),
        ("renew", Change(("token",), "nest")),
    ],
    "airtable_oauth2": [
        ("connect", Change(("id",), "drop")),
        ("probe", Change(("id",), "drop")),
    ],
    "salesforce_oauth2": [("connect", Change(("instance_url",), "drop"))],
    "linear_oauth2": [
        ("connect", Change(("data", "organization"), "replace", None)),
        ("probe", Change(("data", "organization"), "replace", None)),
    ],
    "sendgrid_key": [("probe", Change(("scopes",), "replace", "mail.send"))],
    "stripe_oauth2": [("connect", Change(("settings", "dashboard"), "replace", "a text"))],
    "quickbooks_oauth2": [("probe", Change(("CompanyInfo",), "drop"))],
    "servicenow_oauth2": [("probe", Change(("result",), "replace", "a text"))],
}


@pytest.mark.parametrize("slug", SEEN)
def test_what_lacks_a_value_is_unexpected_and_says_so(readers, monkeypatch, slug):
    for name, change in SEEN[slug]:
        with undone():
            result = given_again(readers, monkeypatch, name, change)

        if name == "connect":
            assert result.credential is None, change
            assert "answer" in result.failure, change
            assert "lacks what we need" in result.failure, change
            assert "again by ourselves" not in result.failure, change
            assert result.evidence["status"] == 200, change
        else:
            assert (result.code, result.verdict) == ("unexpected_answer", "transient"), change


ODD_END = [("drop",), ("replace", "tomorrow"), ("replace", "2027-01-01T00:00:00")]


@pytest.mark.parametrize("slug", ["github_app"])
@pytest.mark.parametrize("odd", ODD_END, ids=str)
def test_a_token_without_a_readable_end_is_taken_for_an_hour(readers, monkeypatch, odd):
    assert given_again(readers, monkeypatch, "renew", Change(("expires_at",), *odd))

    assert Token.objects.get().lifetime_s == 3600


@pytest.mark.parametrize("slug", ["airtable_oauth2"])
def test_the_answer_itself_is_kept_as_evidence(readers, monkeypatch):
    given_again(readers, monkeypatch, "probe", Change(("id",), "replace", 5))

    check = Check.objects.get(code="unexpected_answer")
    assert check.evidence["status"] == 200
    assert '"id": 5' in check.evidence["body"]
    assert readers.fresh().properties == readers.credential.properties


@pytest.mark.parametrize("slug", ["airtable_oauth2"])
def test_collections_that_lack_a_name_are_unexpected(readers, monkeypatch):
    refresh = given_again(
        readers, monkeypatch, "read_collections", Change(("tables", 0, "name"), "drop")
    )

    assert (refresh.status, refresh.error_code) == ("failed", "unexpected_answer")


@pytest.mark.parametrize("slug", ["github_app"])
def test_an_installation_on_an_enterprise_is_connected(readers, monkeypatch):
    enterprise = {"id": 9, "slug": "house-atreides", "name": "House Atreides"}

    session = given_again(readers, monkeypatch, "connect", Change(INSTALLED, "replace", enterprise))

    assert session.credential.properties["account_login"] == "house-atreides"
    assert session.credential.properties["account_type"] == "Organization"


@pytest.mark.parametrize("slug", ["hubspot_oauth2"])
def test_hubspot_connects_without_a_domain(readers, monkeypatch):
    session = given_again(readers, monkeypatch, "connect", Change(("hub_domain",), "drop"))

    assert session.credential.properties["hub_id"] == 21902692
    assert "hub_domain" not in session.credential.properties


@pytest.mark.parametrize("slug", ["quickbooks_oauth2"])
@pytest.mark.parametrize("text", ["Arrakis \0 Inc.", "Arrakis \ud800 Inc."], ids=["NUL", "half"])
def test_a_text_that_no_database_stores_is_stored_without_it(readers, monkeypatch, text):
    change = Change(("CompanyInfo", "CompanyName"), "replace", text)

    outcome = given_again(readers, monkeypatch, "probe", change)

    assert outcome.ok
    assert readers.fresh().properties["company_name"] == "Arrakis \ufffd Inc."


def test_a_mistake_of_ours_leaves_a_note_at_the_session(make_app, go, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("a mistake")

    monkeypatch.setattr(credential_operations, "save_credential", broken)

    with pytest.raises(RuntimeError):
        go("airtable_oauth2", "usrziLeD23j9AJ1", oauth_app=make_app("airtable"))

    session = ConnectSession.objects.get()
    assert session.finished_at
    assert "Something went wrong here" in session.failure
    assert session.error == "server_error"
    assert not session.secrets


def test_a_mistake_of_ours_is_not_blamed_on_the_provider(organization, monkeypatch):
    credential = make_credential(organization, "stripe_key")
    monkeypatch.setattr(type(credential), "static_token", lambda self: {}["no such"])

    with pytest.raises(KeyError):
        probes.verify(credential)
