"""What all pages share: layout, navigation, content policy, error pages, login."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.template import Context, Template
from django.test import Client
from django.urls import reverse

from sequin_admin.access.models import Membership, User
from sequin_admin.access.policy import Role
from sequin_admin.core import clock
from sequin_admin.dashboard.templatetags import ui
from sequin_admin.health.status import Status
from tests.conftest import make_member

SIGNED_OUT = ["account_login", "account_reset_password", "account_signup"]
SIGNED_IN = ["mfa_index", "account_change_password", "account_logout"]


class Inline(HTMLParser):
    """Collects markup that a strict content policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on")]
        self.found += [f"{tag} style"] if "style" in given or tag == "style" else []
        executes = given.get("type", "text/javascript") == "text/javascript"
        if tag == "script" and executes and "src" not in given:
            self.found.append("script")


def inline_in(html: str) -> list[str]:
    parser = Inline()
    parser.feed(html)
    return parser.found


@pytest.mark.parametrize("name", [*SIGNED_OUT, *SIGNED_IN])
def test_account_pages_work_and_need_no_inline_code(client, user, name):
    if name in SIGNED_IN:
        client.force_login(user)

    response = client.get(reverse(name))

    assert response.status_code == 200
    assert inline_in(response.content.decode()) == []
    assert "css/app.build.css" in response.content.decode()


@pytest.mark.parametrize("name", ["overview", "members", "api_keys"])
def test_pages_need_no_inline_code(client, user, name):
    client.force_login(user)

    response = client.get(reverse(f"dashboard:{name}"))

    assert inline_in(response.content.decode()) == []
    assert "unsafe" not in response["Content-Security-Policy"]


def test_htmx_carries_the_nonce_of_the_policy(client, db):
    response = client.get(reverse("account_login"))

    [nonce] = set(re.findall(r'nonce="([^"]+)"', response.content.decode()))
    assert f"'nonce-{nonce}'" in response["Content-Security-Policy"]


def test_sidebar_leads_to_every_area_and_marks_where_we_are(client, user):
    client.force_login(user)

    html = client.get(reverse("dashboard:members")).content.decode()

    areas = ["overview", "credentials", "oauth_apps", "audit", "api_keys", "members", "kinds"]
    for area in areas:
        assert f'href="{reverse(f"dashboard:{area}")}"' in html
    assert re.findall(r'href="([^"]+)" aria-current="page"', html) == ["/members/"] * 2


def test_staff_admin_is_offered_to_staff_only(client, user):
    client.force_login(user)
    before = client.get(reverse("dashboard:members")).content.decode()
    User.objects.filter(pk=user.pk).update(is_staff=True)

    after = client.get(reverse("dashboard:members")).content.decode()

    assert "/staff/" not in before
    assert "/staff/" in after


def test_simulator_bar_shows_only_with_a_simulator(client, settings, db):
    settings.SIMULATOR_URL = ""
    without = client.get(reverse("account_login")).content.decode()
    settings.SIMULATOR_URL = "http://127.0.0.1:9"

    shown = client.get(reverse("account_login")).content.decode()

    assert "Nothing leaves this machine" not in without
    assert "Nothing leaves this machine" in shown


def test_switching_changes_what_is_shown(client, user, stranger):
    other = stranger.organizations.get()
    Membership.objects.create(organization=other, user=user, role=Role.VIEWER)
    client.force_login(user)
    switch = reverse("dashboard:switch_organization")

    answer = client.post(switch, {"organization": str(other.pk)})

    assert answer.url == reverse("dashboard:overview")
    assert stranger.email in client.get(reverse("dashboard:members")).content.decode()


@pytest.mark.parametrize("chosen", ["", "nonsense"])
def test_switching_to_nowhere_is_not_found(client, user, chosen):
    client.force_login(user)

    answer = client.post(reverse("dashboard:switch_organization"), {"organization": chosen})

    assert answer.status_code == 404


def test_switching_to_a_strangers_organization_is_not_found(client, user, stranger):
    client.force_login(user)
    theirs = str(stranger.organizations.get().pk)

    answer = client.post(reverse("dashboard:switch_organization"), {"organization": theirs})

    assert answer.status_code == 404
    assert stranger.email not in client.get(reverse("dashboard:members")).content.decode()


def test_person_without_organization_is_told_whom_to_ask(client, db):
    client.force_login(User.objects.create_user("alia", "alia@arrakis.test"))

    response = client.get("/")

    assert response.status_code == 403
    assert "Ask an owner" in response.content.decode()


def test_missing_page_is_explained(client, user):
    client.force_login(user)

    response = client.get("/no/such/page/")

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_our_mistake_is_admitted_and_numbered(user, monkeypatch):
    def fail(*args: object) -> None:
        raise RuntimeError("spice shortage")

    monkeypatch.setattr("sequin_admin.dashboard.views.members.render_members", fail)
    client = Client(raise_request_exception=False)
    client.force_login(user)

    response = client.get(reverse("dashboard:members"))

    assert response.status_code == 500
    assert "We made a mistake" in response.content.decode()
    assert response["X-Request-Id"] in response.content.decode()
    assert "spice shortage" not in response.content.decode()


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_page_without_its_database_is_503_with_a_time(user, error):
    def away(*args: object) -> None:
        raise error("connection to server at 10.0.0.5 failed")

    client = Client(raise_request_exception=False)
    client.force_login(user)
    with connection.execute_wrapper(away):
        response = client.get(reverse("dashboard:members"))

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "Our database does not answer" in response.content.decode()
    assert "10.0.0.5" not in response.content.decode()


def test_form_from_an_old_page_is_explained(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)

    response = client.post(reverse("dashboard:member_add"), {"email": "a@b.test"})

    assert response.status_code == 403
    assert "open for too long" in response.content.decode()


def test_fragment_after_signing_out_reloads_its_page(client, db):
    response = client.get(reverse("dashboard:credentials"), headers={"HX-Request": "true"})

    assert response["HX-Refresh"] == "true"
    assert response.content == b""


def test_second_factor_can_be_set_up_after_confirming(client, user):
    client.force_login(user)
    url = reverse("mfa_activate_totp")

    asked = client.get(url)
    page = client.post(asked.url, {"password": "spice must flow"}, follow=True)

    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert 'class="qr" src="data:image/svg+xml' in page.content.decode()


def test_nobody_signs_up(client, db):
    page = client.post(reverse("account_signup"), {"email": "rabban@giedi-prime.test"})

    assert "by invitation" in page.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=-45), "45 s ago"),
        (timedelta(minutes=5), "in 5 min"),
        (timedelta(hours=-23, minutes=-59), "23 h ago"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=-45), "1 month ago"),
        (timedelta(minutes=59, seconds=58), "in 1 h"),
        (timedelta(days=364, hours=23), "in 1 year"),
        (timedelta(days=800), "in 2 years"),
    ],
)
def test_distance(gap, words):
    assert ui.format_distance(gap) == words


def test_ago_keeps_the_exact_time(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 12, 15, 3, tzinfo=UTC))

    html = ui.ago(datetime(2026, 11, 12, 14, 3, tzinfo=UTC))

    assert 'datetime="2026-11-12T14:03:00+00:00"' in html
    assert 'title="12 Nov 2026, 14:03:00 UTC" data-ago>1 h ago<' in html


@pytest.mark.parametrize(
    ("title", "letters"),
    [("HubSpot", "HS"), ("Checkout Champ", "CC"), ("Stripe", "St"), ("Auth0", "Au")],
)
def test_monogram(title, letters):
    assert ui.monogram(title) == letters


@pytest.mark.parametrize(
    ("status", "words"),
    [(status.value, status.label) for status in Status]
    + [("", "Checking…"), ("disabled", "Disabled")],
)
def test_badge_says_its_status_in_words_with_an_icon(status, words):
    template = Template('{% include "components/badge.html" with status=status only %}')

    html = template.render(Context({"status": status}))

    assert words in html
    assert "<svg" in html


def test_note_of_a_provider_is_escaped():
    template = Template("{% load ui %}{% row_more 1 note note %}")

    html = template.render(Context({"note": "<script>alert(1)</script>"}))

    assert "<script>" not in html


def test_oldest_membership_is_shown_first(client, organization, stranger):
    user = make_member(organization, "leto@arrakis.test", Role.OWNER)
    Membership.objects.create(organization=stranger.organizations.get(), user=user)
    client.force_login(user)

    html = client.get(reverse("dashboard:members")).content.decode()

    assert "leto@arrakis.test" in html
    assert stranger.email not in html
