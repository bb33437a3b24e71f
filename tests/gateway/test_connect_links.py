"""The pages of connect links for customers, who have no login."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes
from tests.browser.kinds import OAUTH, STORIES, answers
from tests.connect_sessions import query_of
from tests.simulator_server import local


@pytest.fixture
def make_link(organization, user, make_app):
    def make(*slugs, **options):
        offered = [kinds.get(slug) for slug in slugs]
        ours = any(kind.client_is_ours() for kind in offered)
        app = make_app(offered[0].provider) if ours else None
        return links.create(organization, offered, actor=user, oauth_app=app, **options)

    return make


@pytest.fixture
def customer():
    """A browser without a login."""
    return Client()


def open_link(customer, link):
    """Open the link's URL and follow its redirect."""
    address = links.address(link)
    return customer.get(local(address), follow=True)


def path_of(link, kind):
    return reverse("gateway:connect", args=[link.pk, kind])


def fresh(link):
    return ConnectLink.objects.get(pk=link.pk)


def form_of(secret):
    return {"name": "Arrakis", "secret": secret, "test": "on"}


@pytest.fixture
def stripe_key(simulated):
    return simulated.account("stripe", "acct_1Arrakis0000001")["secret_key"]


@pytest.mark.parametrize("kind", OAUTH, ids=lambda kind: kind.slug)
def test_a_customer_connects_every_oauth_kind(make_link, customer, simulated, kind):
    link = make_link(kind.slug, name="From a link", metadata={"plan": "pro"})
    open_link(customer, link)
    sent = customer.post(path_of(link, kind.slug), answers(simulated, kind))
    back = simulated.consent(sent["Location"], account=STORIES[kind.slug].account)

    end = customer.get(local(back), follow=True)

    assert "Thank you" in end.content.decode()
    credential = fresh(link).credential
    assert (credential.kind, credential.name) == (kind.slug, "From a link")
    assert credential.metadata == {"plan": "pro"}
    assert credential.health_status == "healthy"


def test_the_token_leaves_the_address_bar_at_once(make_link, customer):
    link = make_link("stripe_key")

    page = open_link(customer, link)

    assert [url for url, _ in page.redirect_chain] == [f"/link/{link.pk}/"]
    assert links.address(link).rpartition("/")[2] not in page.content.decode()


def test_no_page_of_a_link_is_kept_or_told_to_others(make_link, customer):
    link = make_link("hubspot_oauth2")
    for page in (open_link(customer, link), customer.get("/link/connect/guessed")):
        assert page["Referrer-Policy"] == "no-referrer"
        assert "no-store" in page["Cache-Control"]
        assert "noindex" in page["X-Robots-Tag"]


def test_the_page_says_who_asks_for_what(make_link, customer):
    page = open_link(customer, make_link("hubspot_oauth2")).content.decode()

    assert "Arrakis asks for access to your HubSpot account" in page
    assert "Read contacts" in page
    assert "crm.objects.contacts.read" in page


def test_the_page_asks_for_what_the_sort_of_app_asks_for(make_app, organization, user, customer):
    """A Stripe App has the permissions of its manifest, not the scope of Connect."""
    app = make_app("stripe")
    app.properties = {"app_type": "apps"}
    app.save()
    link = links.create(organization, [kinds.get("stripe_oauth2")], actor=user, oauth_app=app)

    assert "read_write" not in open_link(customer, link).content.decode()


def test_another_browser_needs_the_address_that_was_sent(make_link, customer):
    link = make_link("stripe_key")
    open_link(customer, link)

    assert Client().get(f"/link/{link.pk}/").status_code == 404
    assert Client().post(path_of(link, "stripe_key")).status_code == 404


def test_the_operator_sees_that_it_was_opened(make_link, customer):
    link = make_link("stripe_key")
    assert link.state is LinkState.CREATED

    open_link(customer, link)

    assert fresh(link).state is LinkState.OPENED


def test_looking_at_the_address_without_following_it_opens_nothing(make_link, customer):
    """Mail scanners do so."""
    link = make_link("stripe_key")
    customer.get(local(links.address(link)))

    assert fresh(link).state is LinkState.CREATED


def test_a_customer_enters_a_key(make_link, customer, stripe_key):
    link = make_link("stripe_key")
    open_link(customer, link)

    end = customer.post(path_of(link, "stripe_key"), form_of(stripe_key), follow=True)

    assert "Thank you: Stripe is connected" in end.content.decode()
    assert fresh(link).credential.properties["account_id"] == "acct_1Arrakis0000001"


def test_a_key_that_does_not_work_is_said_and_not_kept(make_link, customer, simulated):
    link = make_link("stripe_key")
    open_link(customer, link)

    page = customer.post(path_of(link, "stripe_key"), form_of("sk_test_wrong"))

    said = page.content.decode()
    assert page.status_code == 422
    assert "You must create a new key at Stripe" in said
    assert "The customer must create a new key" in fresh(link).failure
    assert "sk_test_wrong" not in said
    assert not Credential.objects.exists()
    assert fresh(link).failure


def test_among_several_ways_the_customer_chooses(make_link, customer, simulated):
    link = make_link("stripe_oauth2", "stripe_key")

    page = open_link(customer, link).content.decode()

    assert path_of(link, "stripe_oauth2") in page
    assert path_of(link, "stripe_key") in page
    assert customer.get(path_of(link, "hubspot_oauth2")).status_code == 404


def test_denying_leads_back_to_try_again(make_link, customer, simulated):
    link = make_link("hubspot_oauth2")
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692", allow=False)

    page = customer.get(local(back), follow=True)

    assert "Access was denied at HubSpot" in page.content.decode()
    assert fresh(link).state is LinkState.FAILED
    again = customer.post(path_of(link, "hubspot_oauth2"))
    assert simulated.url in again["Location"]


def test_our_own_fault_is_not_the_customers(make_link, customer, simulated):
    link = make_link("hubspot_oauth2")
    simulated.rotate_app_secret("hubspot")
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692")

    page = customer.get(local(back), follow=True).content.decode()

    assert "It is not your fault: Arrakis must mend it" in page
    assert "rejects our OAuth app" in fresh(link).failure


def test_a_spent_link_opens_nothing(make_link, customer, stripe_key):
    link = make_link("stripe_key")
    address = local(links.address(link))
    open_link(customer, link)
    form = form_of(stripe_key)
    customer.post(path_of(link, "stripe_key"), form)

    again = Client().get(address)
    assert again.status_code == 410
    assert "<h1>Already connected</h1>" in again.content.decode()
    assert customer.post(path_of(link, "stripe_key"), form).status_code == 410
    assert "Thank you" in customer.get(f"/link/{link.pk}/", follow=True).content.decode()
    assert Credential.objects.count() == 1


def test_a_link_that_is_withdrawn_on_the_way_connects_nothing(make_link, customer, simulated, user):
    link = make_link("hubspot_oauth2")
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692")
    links.revoke(link, actor=user)

    page = customer.get(local(back), follow=True)

    assert page.status_code == 410
    assert "withdrawn" in page.content.decode()
    assert not Credential.objects.exists()
    assert not [call for call in simulated.calls("hubspot") if "token" in call["endpoint"]]


def test_two_browsers_with_one_link_connect_one_account(make_link, simulated):
    link, browsers, backs = make_link("hubspot_oauth2"), [Client(), Client()], []
    for browser, account in zip(browsers, ("21902692", "33011844"), strict=True):
        open_link(browser, link)
        sent = browser.post(path_of(link, "hubspot_oauth2"))
        backs.append(simulated.consent(sent["Location"], account=account))

    for browser, back in zip(browsers, backs, strict=True):
        browser.get(local(back), follow=True)

    assert Credential.objects.count() == 1
    assert fresh(link).credential.properties["hub_id"] == 21902692


def test_the_callback_of_another_browser_is_refused(make_link, customer, simulated):
    link = make_link("hubspot_oauth2")
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692")

    thief = Client().get(local(back))

    assert thief.status_code == 400
    assert "no connection you started in this browser" in thief.content.decode()


def test_reconnecting_asks_nothing_that_is_known(
    organization, user, connect, make_app, customer, simulated
):
    story = STORIES["shopify_oauth2"]
    credential = connect(make_app("shopify"), story.account, inputs=story.typed).credential
    simulated.act("shopify", "shop-001.myshopify.com", "uninstall")
    probes.verify(credential)
    link = links.create_reconnect(organization, credential, actor=user)

    page = open_link(customer, link).content.decode()
    sent = customer.post(path_of(link, "shopify_oauth2"))
    back = simulated.consent(sent["Location"], account="shop-001.myshopify.com")
    customer.get(local(back))

    assert 'name="shop"' not in page
    assert "shop-001.myshopify.com" in page
    assert Credential.objects.get(pk=credential.pk).health_status == "healthy"
    assert fresh(link).state is LinkState.COMPLETED


def test_another_account_is_refused_by_name(connect, make_app, user, customer, simulated):
    credential = connect(make_app("hubspot"), "21902692").credential
    link = links.create_reconnect(credential.organization, credential, actor=user)
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="33011844")

    page = customer.get(local(back), follow=True).content.decode()

    assert "arrakis.io" in page
    assert "giedi-prime" in page
    assert "credential" not in page
    assert "this credential is for arrakis.io" in fresh(link).failure
    assert Credential.objects.get(pk=credential.pk).properties["hub_id"] == 21902692


def test_the_customers_own_secret_is_never_put_into_the_form(
    organization, user, go, customer, simulated
):
    asked = answers(simulated, kinds.get("servicenow_oauth2"))
    credential = go("servicenow_oauth2", "arrakis", inputs=asked).credential
    link = links.create_reconnect(organization, credential, actor=user)

    page = open_link(customer, link).content.decode()

    assert asked["instance_url"] in page
    assert asked["client_secret"] not in page


def test_a_registered_address_is_where_the_customer_ends(
    make_app, organization, user, customer, simulated
):
    app = make_app("hubspot")
    app.redirect_uris = ["https://arrakis.test/done"]
    app.save()
    link = links.create(
        organization, [kinds.get("hubspot_oauth2")], actor=user, oauth_app=app,
        redirect_url="https://arrakis.test/done",
    )  # fmt: skip
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692")

    end = customer.get(local(back))

    assert end["Location"] == "https://arrakis.test/done"


def test_a_login_that_took_too_long_leads_back_to_the_link(
    make_link, customer, simulated, monkeypatch
):
    link = make_link("hubspot_oauth2")
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692")
    later = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)

    page = customer.get(local(back), follow=True)

    assert page.redirect_chain == [(f"/link/{link.pk}/", 302)]
    assert "took more than ten minutes" in page.content.decode()
    assert "Continue to HubSpot" in page.content.decode()


@pytest.mark.parametrize("slug", ["github_app", "sendgrid_key", "workday_password"])
def test_the_page_of_a_kind_without_scopes_lists_what_is_read(make_link, customer, slug):
    page = open_link(customer, make_link(slug)).content.decode()

    assert "What Arrakis may then read" in page
    for collection in kinds.get(slug).catalogue:
        assert f">{collection.name}</li>" in page


def test_the_state_of_a_trip_is_single_use_for_customers_too(make_link, customer, simulated):
    link = make_link("hubspot_oauth2")
    open_link(customer, link)
    sent = customer.post(path_of(link, "hubspot_oauth2"))
    back = simulated.consent(sent["Location"], account="21902692")
    assert query_of(back)["state"]
    path = local(back)
    customer.get(path)
    before = len(simulated.calls("hubspot"))

    page = customer.get(path, follow=True)

    assert "Thank you: HubSpot is connected" in page.content.decode()
    assert len(simulated.calls("hubspot")) == before
