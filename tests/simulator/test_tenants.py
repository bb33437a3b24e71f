"""Apps owned by customers, on the simulator's own pages."""

import re

import pytest

ARRAKIS, GIEDI_PRIME = "arrakis.us.auth0.com", "giedi-prime.eu.auth0.com"


@pytest.fixture
def page(simulator):
    def page(path):
        answer = simulator.http.get(f"{simulator.url}{path}")
        assert answer.status_code == 200, path
        return answer.text

    return page


def test_every_page_that_the_home_page_links_to_opens(page):
    links = re.findall(r'href="(/[^"]*)"', page("/"))

    assert len(links) > 20
    for link in links:
        page(link)


def test_a_provider_without_apps_has_no_developer_page(page):
    assert "/developer/auth0/" in page("/")
    assert "/developer/sendgrid/" not in page("/")


def test_the_developer_page_shows_each_customers_app(page, simulator):
    shown = page("/developer/auth0/")

    for owner in (ARRAKIS, GIEDI_PRIME):
        app = simulator.app("auth0", owner)
        assert app["client_id"] in shown
        assert app["client_secret"] in shown


def test_redirect_uris_are_saved_for_the_app_they_belong_to(simulator):
    other = simulator.app("servicenow", "giedi-prime")["redirect_uris"]
    before = simulator.app("servicenow", "arrakis")["redirect_uris"]
    uri = "https://admin.example.com/link/oauth2/callback/servicenow"

    form = {"owner": "arrakis", "redirect_uris": uri}
    simulator.http.post(f"{simulator.url}/developer/servicenow/", data=form)

    assert simulator.app("servicenow", "arrakis")["redirect_uris"] == [uri]
    assert simulator.app("servicenow", "giedi-prime")["redirect_uris"] == other
    simulator.change_app("servicenow", owner="arrakis", redirect_uris=before)


def test_rotating_a_secret_changes_that_customers_only(simulator):
    before = {owner: simulator.app("auth0", owner) for owner in (ARRAKIS, GIEDI_PRIME)}

    simulator.act("auth0", ARRAKIS, "rotate_secret")

    after = {owner: simulator.app("auth0", owner) for owner in (ARRAKIS, GIEDI_PRIME)}
    assert after[ARRAKIS]["client_secret"] != before[ARRAKIS]["client_secret"]
    assert after[GIEDI_PRIME] == before[GIEDI_PRIME]


def test_the_world_can_be_reset_again_and_again(simulator):
    simulator.reset()
    simulator.reset()

    assert simulator.account("workday", "arrakis_dpt1")["state"] == []
