"""What token endpoints answer, in all the forms that servers give it."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.core import clock
from sequin_admin.core.http import Response
from sequin_admin.credentials import kinds
from sequin_admin.credentials.answers import LONGEST_LIFE_S, whole_seconds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Outcome, Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.health.models import Check
from sequin_admin.tokens import lifetimes, protocol, renewal
from sequin_admin.tokens.models import Token
from tests.due_work import refresh_due
from tests.factories import make_credential, make_oauth_app

HOST, API, PAUL = "airtable.com", "api.airtable.com", "usrziLeD23j9AJ1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KINDS = pytest.mark.parametrize("kind", kinds.all(), ids=lambda kind: kind.slug)
UNUSABLE = pytest.mark.parametrize(
    "token", [None, "", "  \n", 17, 1.5, True, [], ["a"], {"token": "a"}], ids=repr
)


@pytest.fixture
def due(organization, script, settings):
    """An Airtable credential whose token is due, at the scripted token endpoint."""
    settings.PROVIDER_BASE_URLS = {HOST: script.url, API: script.url}
    app = make_oauth_app(organization, "airtable")
    credential = make_credential(organization, "airtable_oauth2", oauth_app=app)
    Token.objects.create(credential=credential)
    return credential


def grant(**members):
    return {"access_token": "new-access", "refresh_token": "new-refresh", **members}


def refusal_of(kind, response):
    with pytest.raises(Refused) as refused:
        protocol.parse_grant(kind, response)
    return refused.value.outcome


@KINDS
@pytest.mark.parametrize("error", [None, "", False], ids=repr)
def test_an_error_that_says_nothing_beside_a_token_is_a_grant(kind, error):
    response = Response(200, {}, json.dumps(grant(error=error)).encode())

    assert protocol.parse_grant(kind, response).access_token == "new-access"


@KINDS
@UNUSABLE
def test_an_access_token_that_is_no_text_or_blank_is_refused(kind, token):
    response = Response(200, {}, json.dumps(grant(access_token=token)).encode())

    outcome = refusal_of(kind, response)

    assert (outcome.verdict, outcome.code) == (Verdict.TRANSIENT, "unexpected_answer")
    assert outcome.evidence["status"] == 200


@pytest.mark.django_db
@UNUSABLE
def test_the_refresh_token_beside_an_unusable_access_token_is_not_lost(due, script, token):
    """The provider has replaced the former one, which it accepts no more."""
    script.say((200, grant(access_token=token)), (200, grant(refresh_token="third")))

    with pytest.raises(Refused):
        renewal.get_access_token(due)
    assert Credential.objects.get().secrets["refresh_token"] == "new-refresh"
    assert renewal.get_access_token(due, force=True) == "new-access"
    assert b"refresh_token=new-refresh" in script.seen[-1][3]


@pytest.mark.parametrize("odd", [None, "", " ", 5, ["r"], {"r": 1}], ids=repr)
@pytest.mark.django_db
def test_a_refresh_token_that_is_none_does_not_replace_the_stored_one(due, script, odd):
    before = due.secrets["refresh_token"]
    script.say((200, grant(refresh_token=odd)))

    renewal.get_access_token(due)

    assert Credential.objects.get().secrets["refresh_token"] == before


@pytest.mark.parametrize("headers", [FORM, {"Content-Type": "text/plain"}, {}], ids=str)
@pytest.mark.django_db
def test_a_form_encoded_error_is_read(due, script, headers):
    script.say((400, b"error=invalid_grant&error_description=It+was+revoked", headers))

    with pytest.raises(Refused) as refused:
        renewal.get_access_token(due)

    assert refused.value.outcome.code == "invalid_grant"


@pytest.mark.django_db
def test_a_form_encoded_grant_is_read(due, script):
    script.say((200, b"access_token=new-access&refresh_token=a%2Bb&expires_in=600", FORM))

    assert renewal.get_access_token(due) == "new-access"
    assert Credential.objects.get().secrets["refresh_token"] == "a+b"
    assert Token.objects.get().lifetime_s == 600


@pytest.mark.parametrize(
    "page", [b"<html>a=b</html>", b"Try again = later", b"=", b"", b"error", b"a=1\nb=2"]
)
def test_what_is_no_form_is_not_taken_for_one(page):
    assert Response(200, {}, page).data() == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.django_db
def test_a_grant_in_any_text_encoding_is_read(due, script, encoding):
    body = json.dumps(grant(scope="Zürich"), ensure_ascii=False).encode(encoding)
    script.say((200, body, {"Content-Type": "application/json"}))

    assert renewal.get_access_token(due) == "new-access"
    assert Token.objects.get().scope == "Zürich"


def test_an_error_in_latin_1_is_read(organization):
    body = '{"error": "invalid_grant", "error_description": "Révoqué"}'.encode("latin-1")

    outcome = refusal_of(kinds.get("airtable_oauth2"), Response(400, {}, body))

    assert outcome.code == "invalid_grant"
    assert "Révoqué" in outcome.evidence["body"]


@pytest.mark.parametrize("label", ["Identity", "IDENTITY", " identity ", "utf-8", "none", ""])
@pytest.mark.django_db
def test_a_body_labelled_as_not_compressed_is_read_as_it_is(due, script, label):
    script.say((200, grant(), {"Content-Encoding": label}))

    assert renewal.get_access_token(due) == "new-access"


def test_githubs_own_form_of_a_grant_goes_through_the_same_reader(simulated, make_app, connect):
    credential = connect(make_app("github"), "paul-atreides").credential

    issued = credential.mint()

    assert issued.access_token.startswith("ghs_")
    assert 3500 < issued.expires_in_s <= 3600


@pytest.mark.parametrize(
    ("spelled", "seconds"),
    [
        (300, 300),
        (300.0, 300),
        (299.9, 299),
        ("300", 300),
        ("300.0", 300),
        (" 300 ", 300),
        ("+300", 300),
        ("3e2", 300),
        ("0300", 300),
        ("٣٠٠", 300),
        (0, 0),
        (-5, 0),
        ("-5", 0),
        (10**30, LONGEST_LIFE_S),
        ("Infinity", LONGEST_LIFE_S),
        ("NaN", None),
        ("", None),
        ("soon", None),
        ("1,800", None),
        (None, None),
        (True, None),
        ([300], None),
    ],
)
def test_a_lifetime_is_read_however_it_is_spelled(spelled, seconds):
    assert whole_seconds(spelled) == seconds


SPELLINGS = [str, float, "{}.0".format, " {}\n".format, "+{}".format, "{}e0".format, "0{}".format]


@given(seconds=st.integers(0, LONGEST_LIFE_S), spell=st.sampled_from([int, *SPELLINGS]))
def test_every_spelling_of_a_number_of_seconds_is_that_number(seconds, spell):
    assert whole_seconds(spell(seconds)) == seconds


@given(st.text() | st.floats() | st.integers() | st.lists(st.integers()) | st.none())
def test_no_lifetime_is_too_odd(value):
    seconds = whole_seconds(value)

    assert seconds is None or 0 <= seconds <= LONGEST_LIFE_S


@pytest.fixture
def pass_seconds(monkeypatch):
    """Let seconds pass, one by one: in each a worker renews what is due, and readers read."""
    now = clock.now()

    def run(seconds, credential):
        nonlocal now
        read = []
        for _ in range(seconds):
            now += timedelta(seconds=1)
            monkeypatch.setattr(clock, "now", lambda now=now: now)
            refresh_due()
            try:
                read.append(renewal.get_access_token(fresh(credential)))
            except Refused as refusal:
                read.append(refusal.outcome)
        return read

    return run


def fresh(credential):
    return Credential.objects.select_related("oauth_app").get(pk=credential.pk)


def issue(script, life):
    """Let the endpoint issue a new token on each call, with this life."""
    for number in range(100):
        script.say((200, grant(access_token=f"access-{number}", expires_in=life)))


@pytest.mark.parametrize("life", [0, "2.0", 5])
@pytest.mark.django_db
def test_tokens_that_live_for_seconds_are_not_renewed_in_a_loop(due, script, life, pass_seconds):
    issue(script, life)

    pass_seconds(25, due)
    in_25_seconds = len(script.seen)
    pass_seconds(100, due)

    assert in_25_seconds <= 6
    assert len(script.seen) <= 9


@pytest.mark.django_db
def test_health_says_why_tokens_that_live_for_seconds_are_waited_for(due, script, pass_seconds):
    issue(script, 3)
    answers = pass_seconds(25, due)
    refused = next(each for each in reversed(answers) if isinstance(each, Outcome))
    assert refused.code == "short_life"
    assert refused.retry_after_s > 0
    script.answers[:] = [(200, grant(expires_in=3)), (200, {"id": PAUL, "scopes": []})]

    probes.verify(fresh(due), actor=due.organization)

    check = Check.objects.get(check_name="authentication")
    assert (check.verdict, check.code) == (Verdict.TRANSIENT, "short_life")
    assert "lives for 3 seconds only" in check.message


@pytest.mark.parametrize("life", [20, 69])
@pytest.mark.django_db
def test_tokens_of_half_a_minute_are_renewed_when_they_end_and_are_always_there(
    due, script, life, pass_seconds
):
    issue(script, life)

    answers = pass_seconds(100, due)

    assert all(isinstance(each, str) for each in answers)
    assert len(script.seen) <= 100 / (life - lifetimes.LEAST_LEFT_S) + 1


@pytest.mark.django_db
def test_a_token_that_the_provider_repeats_until_its_end_is_used_until_its_end(
    due, script, pass_seconds
):
    """As Marketo does: what remains of its life gets shorter with every call."""
    for life in (30, 9):
        script.say((200, grant(access_token="same", expires_in=life)))
    issue(script, 3600)

    answers = pass_seconds(40, due)

    assert all(isinstance(each, str) for each in answers)
    assert answers[-1] == "access-0"
    assert len(script.seen) <= 4


@pytest.mark.django_db
def test_a_longer_life_ends_the_waiting(due, script, pass_seconds):
    issue(script, 0)
    pass_seconds(20, due)
    script.answers[:] = [(200, grant(expires_in=3600))]

    pass_seconds(30, due)

    token = Token.objects.get()
    assert (token.next_try_at, token.refusal) == (None, {})
    assert renewal.get_access_token(fresh(due)) == "new-access"
