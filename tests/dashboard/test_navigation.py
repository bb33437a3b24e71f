"""The sidebar, titles, breadcrumbs, error pages with a search, and the keyboard's switch."""

import re

import pytest
from django.test import Client

from sequin_admin.access.models import User
from sequin_admin.dashboard.areas import AREAS
from tests.conftest import make_member
from tests.factories import make_credential, make_oauth_app

SEARCH = 'role="search"'
GROUPS = {
    "": ["Overview", "Incidents"],
    "Accounts": ["Credentials", "OAuth apps", "Connect links"],
    "Data": ["Syncs", "Targets", "Consumers", "Streams"],
    "Watch": ["Usage", "Expiry", "Worker", "Audit"],
    "Settings": ["Notifications", "API keys", "Members", "Branding", "Organization"],
    "Help": ["Kinds", "API", "Operate", "Engines"],
}


def sidebar(html):
    """The titles of the groups, with those of their links."""
    nav = html[html.index('<nav aria-label="Main">') : html.index("</nav>")]
    lists = re.split(r"</ul>", nav)[:-1]
    title = re.compile(r'nav-title">(.*?)<')
    link = re.compile(r"</svg>\s*([\w ]+?)\s*</a>")
    return {"".join(title.findall(each)): link.findall(each) for each in lists}


def crumbs(answer):
    html = answer.content.decode()
    if 'aria-label="Breadcrumb"' not in html:
        return []
    nav = html[html.index('aria-label="Breadcrumb"') :]
    return re.findall(r'<li><a href="([^"]+)">([^<]+)</a>', nav[: nav.index("</nav>")])


def test_the_sidebar_has_the_groups_and_their_areas(owner, client, organization):
    shown = sidebar(owner.get("/members/").content.decode())
    client.force_login(make_member(organization, "v@arrakis.test", "viewer"))
    to_viewer = sidebar(client.get("/members/").content.decode())

    assert shown == GROUPS
    assert to_viewer["Settings"] == ["Notifications", "API keys", "Members"]


def test_no_two_areas_share_a_key():
    assert len({area.key for area in AREAS}) == len(AREAS)


def test_a_page_leads_up_to_those_above_it(owner, organization):
    app = make_oauth_app(organization, "hubspot", name="Ours & theirs")
    key = make_credential(organization, "stripe_key", name="Spice")
    listed, one = ("/credentials/", "Credentials"), (f"/credentials/{key.pk}/", "Spice")

    assert crumbs(owner.get("/credentials/")) == []
    assert crumbs(owner.get(f"/credentials/{key.pk}/")) == [listed]
    assert crumbs(owner.get(f"/credentials/{key.pk}/token/")) == [listed]
    assert crumbs(owner.get(f"/credentials/{key.pk}/edit/")) == [listed, one]
    assert crumbs(owner.get(f"/health/credential/{key.pk}/")) == [listed, one]
    assert crumbs(owner.get(f"/credentials/{key.pk}/limit/")) == [listed, one]
    assert crumbs(owner.get(f"/oauth-apps/{app.pk}/delete/"))[1][1] == "Ours &amp; theirs"
    assert crumbs(owner.get("/accounts/password/change/")) == [("/accounts/2fa/", "Security")]
    assert crumbs(owner.get("/accounts/2fa/")) == []


def test_every_tab_has_a_title_of_its_own(owner, organization):
    key = make_credential(organization, "stripe_key", name="Spice")
    pages = [owner.get(f"/credentials/{key.pk}/{tab}") for tab in ("", "token/", "danger/")]

    titles = [re.findall(r"<title>(.*?)</title>", page.content.decode()) for page in pages]

    start = [title[0].removesuffix(" · Sequin Admin") for title in titles]
    assert start == ["Spice", "Token · Spice", "Danger · Spice"]


def test_error_pages_search_for_those_who_are_signed_in(client, organization, user, monkeypatch):
    def fail(*args):
        raise RuntimeError("spice shortage")

    monkeypatch.setattr("sequin_admin.dashboard.views.members.render_members", fail)
    viewer = make_member(organization, "v@arrakis.test", "viewer")
    signed_in, nobody = Client(raise_request_exception=False), Client()
    signed_in.force_login(viewer)

    pages = [signed_in.get(path) for path in ("/no/such/", "/credentials/new/", "/members/")]

    assert [page.status_code for page in pages] == [404, 403, 500]
    assert all(SEARCH in page.content.decode() for page in pages)
    assert SEARCH not in nobody.get("/no/such/").content.decode()


def test_everybody_switches_off_single_keys_for_themselves(client, organization, user):
    viewer = make_member(organization, "v@arrakis.test", "viewer")
    client.force_login(viewer)
    before = client.get("/").content.decode()

    client.post("/accounts/keyboard/", {})
    off = client.get("/").content.decode()
    client.post("/accounts/keyboard/", {"single_keys": "on"})

    assert 'data-single-keys="off"' not in before
    assert 'data-single-keys="off"' in off
    assert "Single keys are switched off for you" in off
    assert User.objects.filter(single_keys=True).count() == 2
    assert 'data-single-keys="off"' not in client.get("/").content.decode()


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/2fa/totp/activate/"])
def test_pages_of_accounts_speak_our_words(client, user, path):
    if "2fa" in path:
        client.force_login(user)
        asked = client.get(path)
        answer = client.post(asked.url, {"password": "spice must flow"}, follow=True)
    else:
        answer = client.get(path)

    html = answer.content.decode()
    assert not re.search("Remember Me|Authenticator code|Activate", html)
    assert re.search("Stay signed in on this device|Six-digit code", html)
