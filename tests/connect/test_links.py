"""Connect links: who may use them, how often, and what is stored afterwards."""

from datetime import timedelta
from itertools import product

import pytest

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations, links
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.credentials.outcomes import Refused
from tests.factories import make_credential, make_oauth_app

STRIPE_KEY = kinds.get("stripe_key")


@pytest.fixture
def link(organization, user):
    return links.create(organization, [STRIPE_KEY], actor=user, name="Arrakis")


@pytest.fixture
def later(monkeypatch):
    def later(**gap):
        at = clock.now() + timedelta(**gap)
        monkeypatch.setattr(clock, "now", lambda: at)

    return later


def key(secret):
    return STRIPE_KEY.properties_class(kind="stripe_key", name="Arrakis", secret=secret)


@pytest.fixture
def working(simulated):
    return key(simulated.account("stripe", "acct_1Arrakis0000001")["secret_key"])


def fresh(link):
    return ConnectLink.objects.get(pk=link.pk)


def test_a_link_is_found_by_its_token_which_is_stored_sealed(link):
    token = links.address(link).rpartition("/")[2]

    assert links.find(token).pk == link.pk
    assert token not in str(ConnectLink.objects.values("token_digest", "metadata", "name"))


def test_an_unknown_token_opens_nothing(db):
    with pytest.raises(links.LinkClosed, match="not one of ours"):
        links.find("guessed")


def test_a_link_ends_by_itself(link, later):
    later(days=7, seconds=1)

    with pytest.raises(links.LinkClosed, match="ended on"):
        links.refuse_closed(fresh(link))
    assert links.address(fresh(link)) == ""


def test_a_withdrawn_link_opens_nothing(link, user):
    assert links.revoke(link, actor=user)

    with pytest.raises(links.LinkClosed, match="withdrawn"):
        links.refuse_closed(fresh(link))
    assert not links.revoke(link, actor=user)


def test_a_key_is_tried_before_it_is_stored(link, simulated):
    with pytest.raises(Refused):
        links.submit_properties(link, key("sk_test_wrong"))

    assert not Credential.objects.exists()
    assert fresh(link).state is LinkState.FAILED
    assert fresh(link).failure.endswith(".")


def test_a_working_key_becomes_a_credential_and_spends_the_link(link, working):
    credential = links.submit_properties(link, working)

    spent = fresh(link)
    assert (spent.state, spent.credential_id) == (LinkState.COMPLETED, credential.pk)
    assert credential.name == "Arrakis"
    assert spent.secrets == {}
    with pytest.raises(links.LinkClosed, match="used already"):
        links.submit_properties(spent, working)


def test_the_audit_log_names_the_link_as_who_did_it(link, working):
    credential = links.submit_properties(link, working)

    event = Event.objects.about(credential).get(action="credential.created")
    assert (event.actor_type, event.actor_id) == ("connectlink", str(link.pk))


def test_what_is_revoked_while_the_provider_is_asked_stores_nothing(
    link, working, user, monkeypatch
):
    ask = credential_operations.probe_draft

    def ask_and_be_revoked(draft):
        links.revoke(fresh(link), actor=user)
        return ask(draft)

    monkeypatch.setattr(credential_operations, "probe_draft", ask_and_be_revoked)

    with pytest.raises(links.LinkClosed, match="withdrawn"):
        links.submit_properties(link, working)
    assert not Credential.objects.exists()


def test_nobody_guesses_keys_with_a_link(link):
    for _ in range(links.MAX_TRIES):
        links.count_try(link)

    with pytest.raises(links.LinkClosed, match="tried 30 times"):
        links.count_try(link)


def test_another_account_does_not_reconnect_a_credential(organization, user, simulated, working):
    other = simulated.account("stripe", "acct_1GiediPrime00002")["secret_key"]
    credential = credential_operations.save_credential(
        organization, key(other), actor=user
    ).credential
    link = links.create_reconnect(organization, credential, actor=user)

    with pytest.raises(credential_operations.OtherAccount):
        links.submit_properties(link, working)
    assert fresh(link).state is not LinkState.COMPLETED


def test_reconnecting_keeps_the_credential_and_ends_its_other_links(organization, user, working):
    credential = credential_operations.save_credential(organization, working, actor=user).credential
    first = links.create_reconnect(organization, credential, actor=user)
    second = links.create_reconnect(organization, credential, actor=user)

    assert links.submit_properties(second, working).pk == credential.pk
    assert fresh(first).state is LinkState.REVOKED
    assert fresh(first).secrets == {}


def test_what_waits_for_us_gets_no_link_for_its_customer(organization, user):
    ours = make_credential(organization, "stripe_key", health_status="sequin_intervention")
    theirs = make_credential(organization, "stripe_key", health_status="customer_intervention",
                             identity="other")  # fmt: skip

    made, left_out = links.create_reconnects(
        organization, [ours, theirs], actor=user, batch=ours.pk
    )

    assert [link.reconnects for link in made] == [theirs]
    assert [credential for credential, _ in left_out] == [ours]
    assert "waits for us" in left_out[0][1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"offered": []}, "one or more kinds"),
        ({"offered": ["stripe_key", "sendgrid_key"]}, "of one provider"),
        ({"lasts": timedelta(days=8)}, "up to 7 days"),
        ({"lasts": timedelta(0)}, "up to 7 days"),
        ({"offered": ["hubspot_oauth2"]}, "Choose the OAuth app at HubSpot"),
        ({"redirect_url": "https://arrakis.test/done"}, "registered on the OAuth app"),
    ],
    ids=str,
)
def test_links_that_nobody_could_use_are_not_made(organization, user, wrong, said):
    offered = [kinds.get(kind) for kind in wrong.pop("offered", ["stripe_key"])]

    with pytest.raises(links.BadLink, match=said):
        links.create(organization, offered, actor=user, **wrong)


def test_a_registered_address_may_be_where_the_customer_goes_on(organization, user):
    app = make_oauth_app(organization, "hubspot", redirect_uris=["https://arrakis.test/done"])

    link = links.create(
        organization, [kinds.get("hubspot_oauth2")], actor=user, oauth_app=app,
        redirect_url="https://arrakis.test/done",
    )  # fmt: skip

    assert link.redirect_url == "https://arrakis.test/done"


def test_expired_links_lose_their_token_and_old_ones_go(link, later):
    later(days=7, minutes=1)
    links.prune()
    assert fresh(link).secrets == {}

    later(days=91)
    links.prune()
    assert not ConnectLink.objects.exists()


def test_a_link_is_in_the_state_it_shows_and_in_no_other(link):
    """For every combination of its timestamps and outcome."""
    now = clock.now()
    maybe, over = (None, now), (now - timedelta(hours=1), now + timedelta(hours=1))
    for happened in product(maybe, maybe, maybe, over, ("", "No.")):
        link.opened_at, link.completed_at, link.revoked_at, link.expires_at, link.failure = happened
        link.save()

        found = [s for s in LinkState if ConnectLink.objects.in_state(s, clock.now()).exists()]

        assert found == [link.state], happened
        assert ConnectLink.objects.open(clock.now()).exists() == link.is_open
