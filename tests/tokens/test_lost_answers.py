"""A renewal whose response was lost: recovered where the provider's rules allow it."""

from datetime import timedelta

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused, Verdict
from sequin_admin.health import probes
from sequin_admin.tokens import renewal, renewal_leases
from sequin_admin.tokens.models import Token
from tests.browser.kinds import STORIES

REPEATED = ["linear_oauth2", "quickbooks_oauth2", "shopify_oauth2"]


@pytest.fixture
def lose(connected, simulated):
    """A credential of a kind, right after the response to its renewal was lost."""

    def lose(slug):
        credential = connected(slug)
        simulated.act(credential.provider, STORIES[slug].account, "lost_response")
        past = clock.now() - timedelta(seconds=1)
        Token.objects.filter(credential=credential).update(expires_at=past)
        with pytest.raises(Refused) as lost:
            renewal.get_access_token(fresh(credential))
        assert lost.value.outcome.verdict is Verdict.TRANSIENT, "Nobody is blamed at once."
        Token.objects.filter(credential=credential).update(next_try_at=None)
        return fresh(credential)

    return lose


def fresh(credential):
    return Credential.objects.select_related("oauth_app").get(pk=credential.pk)


@pytest.mark.parametrize("slug", REPEATED)
def test_it_is_recovered_where_the_provider_repeats_its_answer(lose, slug):
    credential = lose(slug)

    assert renewal.get_access_token(credential)
    assert probes.verify(fresh(credential)).ok
    assert renewal.refresh(fresh(credential), force=True), "What was recovered can be renewed."


def test_where_it_is_not_repeated_the_customer_is_told_the_truth(lose):
    credential = lose("airtable_oauth2")

    outcome = probes.verify(credential)

    assert outcome.verdict is Verdict.CUSTOMER
    assert "its answer was lost on the way to us" in outcome.message
    assert fresh(credential).health_status == "customer_intervention"


def test_the_page_shows_how_each_attempt_ended(lose, client, user):
    credential = lose("airtable_oauth2")
    probes.verify(credential)
    client.force_login(user)

    page = client.get(f"/credentials/{credential.pk}/token/").content.decode()

    assert "No answer came" in page
    assert "The answer of an attempt before was lost, and is not repeated" in page


def test_an_attempt_that_was_cut_off_is_shown_as_that(connected, client, user):
    credential = connected("linear_oauth2")
    renewal_leases.acquire_lease(Token.objects.get(pk=credential.pk))
    client.force_login(user)
    address = f"/credentials/{credential.pk}/token/"
    assert "Under way" in client.get(address).content.decode()

    Token.objects.update(lease_until=clock.now() - timedelta(seconds=1))

    assert "Cut off before an answer was stored" in client.get(address).content.decode()


@pytest.mark.parametrize("slug", ["linear_oauth2", "quickbooks_oauth2"])
def test_the_life_of_a_repeated_answer_counts_from_when_it_was_lost(
    lose, simulated, monkeypatch, slug
):
    """The provider repeats its `expires_in` as well, minutes after the token began to live."""
    credential = lose(slug)
    lost_at = clock.now()
    later = lost_at + timedelta(minutes=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    simulated.clock(25 * 60)

    renewal.get_access_token(credential)

    token = Token.objects.get(pk=credential.pk)
    assert token.expires_at <= lost_at + timedelta(seconds=credential.oauth.access_life_s)
    assert token.lifetime_s == pytest.approx(credential.oauth.access_life_s, abs=2)


def test_a_repeated_answer_whose_token_has_ended_is_not_read(lose, simulated, monkeypatch):
    simulated.post("linear/chaos", rates={}, access_life_s=600)
    credential = lose("linear_oauth2")
    later = clock.now() + timedelta(minutes=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    simulated.clock(25 * 60)

    text = renewal.get_access_token(credential)

    answer = simulated.http.post(
        simulated.url_for("https://api.linear.app/graphql"),
        json={"query": "{ viewer { id } }"},
        headers={"Authorization": f"Bearer {text}"},
    )
    assert answer.status_code == 200, answer.text
