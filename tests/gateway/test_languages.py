"""Customers' pages in their language, with the organization's look and nothing of ours."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from sequin_admin.access import branding
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.gateway import connect as connect_pages
from tests.gateway.test_connect_links import customer, open_link, path_of

__all__ = ["customer"]
GERMAN = {"headers": {"accept-language": "de-CH, en;q=0.5"}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def make_link(organization, user):
    def make(**options):
        return links.create(organization, [kinds.get("stripe_key")], actor=user, **options)

    return make


def text_of(page):
    return page.content.decode()


def test_the_page_follows_the_link_then_the_browser(customer, make_link):
    assert '<html lang="ja">' in text_of(open_link(customer, make_link(language="ja")))

    page = customer.get(reverse("gateway:link", args=[make_link().pk]), **GERMAN)
    assert (page.status_code, page["Content-Language"]) == (404, "de")
    assert "Öffnen Sie Ihren Link noch einmal" in text_of(page)


def test_the_switch_stays_through_the_flow(customer, make_link):
    link = make_link(language="ja")
    open_link(customer, link)

    page = customer.get(path_of(link, "stripe_key") + "?language=fr")
    assert "Où puis-je trouver cela" in text_of(page)

    page = customer.post(path_of(link, "stripe_key"), {"name": "Arrakis", "secret": ""})
    assert page.status_code == 422
    assert "Clé secrète manque." in text_of(page)
    assert customer.get("/link/connect/nothing")["Content-Language"] == "fr"


def test_an_unknown_language_changes_nothing(customer, make_link):
    link = make_link()
    open_link(customer, link)

    page = customer.get(path_of(link, "stripe_key") + "?language=../../etc")
    assert page["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"completed_at": clock.now()}, "Schon verbunden"),
        ({"revoked_at": clock.now()}, "Dieser Link wurde zurückgezogen. Bitten Sie Arrakis"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "Dieser Link lief am "),
    ],
    ids=["used", "withdrawn", "ended"],
)
def test_a_link_that_is_over_says_so_in_its_language(customer, make_link, state, told):
    link = make_link(language="de")
    address = links.address(link)
    ConnectLink.objects.update(**state)

    page = customer.get(address)

    assert page.status_code == 410
    assert told in text_of(page)


def test_nothing_of_ours_is_on_a_customers_page(customer, make_link, organization, user):
    values = {
        "accent": "#1d4ed8",
        "support": "help@arrakis.test",
        "privacy_url": "https://a.test/p",
    }
    branding.save_branding(organization, values, actor=user)

    page = text_of(open_link(customer, make_link()))

    assert "Sequin" not in page
    assert "img/icon" not in page
    assert 'href="mailto:help@arrakis.test"' in page
    assert 'href="https://a.test/p"' in page
    style = customer.get(reverse("gateway:style", args=[organization.pk]))
    assert style["Content-Type"] == "text/css; charset=utf-8"
    assert style["X-Content-Type-Options"] == "nosniff"
    assert "--accent: light-dark(#1d4ed8, #5850ec);" in style.content.decode()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "Dieser Link führt nirgendwohin"),
        (403, "Diese Seite war zu lange offen"),
        (500, "Diese Seite ist fehlgeschlagen"),
    ],
)
def test_a_page_that_fails_is_nobodys_and_in_the_customers_language(
    make_link, monkeypatch, status, told
):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True, **GERMAN)
    link = make_link()
    path = path_of(link, "stripe_key")
    if status == 404:
        path = "/link/nothing/"
    if status == 500:
        open_link(client, link)
        monkeypatch.setattr(connect_pages, "form_of", None)

    page = client.post(path) if status == 403 else client.get(path)

    assert (page.status_code, page["Content-Language"]) == (status, "de")
    assert told in text_of(page)
    assert "Sequin" not in text_of(page)
    assert 'href="/"' not in text_of(page)
    assert "Back to the overview" in text_of(client.get("/nothing/"))


def test_what_fails_keeps_the_language_of_the_link(customer, make_link):
    link = make_link(language="ja")
    open_link(customer, link)

    page = customer.get(path_of(link, "hubspot_oauth2"))

    assert (page.status_code, page["Content-Language"]) == (404, "ja")


def test_pages_behind_the_login_stay_english(client, user):
    client.force_login(user)

    page = client.get(reverse("dashboard:connect_links"), **GERMAN)

    assert '<html lang="en">' in text_of(page)
    assert "Connect links" in text_of(page)
