"""What an organization asks of a sign-in, on every door of the dashboard."""

import time
from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from sequin_admin.access import invitations, keys, staff_access
from sequin_admin.access.models import Membership, Organization, SignInRules, User
from sequin_admin.access.sign_in_rules import SignIn, find_end
from sequin_admin.audit.models import Event
from sequin_admin.connect import flow
from sequin_admin.connect.models import ConnectSession
from sequin_admin.core.networks import Proxies
from sequin_admin.credentials import kinds
from tests.conftest import confirm_login
from tests.edit_forms import submit
from tests.factories import make_oauth_app

PAGE = reverse("dashboard:sign_in_rules")
GATE = reverse("sign_in_gate")
BADGES = reverse("dashboard:badges")
PASSWORD = "spice must flow"
OFFICE, ELSEWHERE = "192.0.2.7", "198.51.100.9"
HOUR = 3600


def ask(organization, **rules):
    return SignInRules.objects.create(organization=organization, **rules)


def log_in(person, **options):
    client = Client(**options)
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    return client


def put_back(client, **seconds):
    """Make times in the client's session so many seconds older."""
    session = client.session
    for name, ago in seconds.items():
        session[name] = time.time() - ago
    session.save()


def is_closed(answer):
    return answer.status_code == 302 and answer["Location"].startswith(GATE)


def is_login(answer):
    return answer.status_code == 302 and answer["Location"].startswith(reverse("account_login"))


def set_up_app(client):
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    counter = next(totp.yield_hotp_counters_from_time())
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    return client.post(reverse("mfa_activate_totp"), {"code": code}, follow=True)


@pytest.mark.django_db(transaction=True)  # allauth tells of the factor at the commit
def test_who_has_no_second_factor_sets_one_up_and_goes_on(viewer, organization):
    ask(organization, second_factor=True)
    client = log_in(viewer)

    asked = client.get("/audit/?page=2", follow=True)
    assert "asks for a second factor" in asked.content.decode()
    assert is_closed(client.get(BADGES))
    assert client.get(BADGES, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert is_closed(client.post(reverse("dashboard:saved_view_new", args=["credentials"])))
    confirm_login(client)
    done = set_up_app(client)

    assert f'href="{GATE}"' in done.content.decode()
    assert client.get(GATE)["Location"] == "/audit/?page=2"
    assert client.get("/audit/").status_code == 200
    # What was set up in this session holds only while it is there.
    Authenticator.objects.all().delete()
    assert is_closed(client.get("/audit/"))


def test_a_session_from_before_confirms_with_the_factor(viewer, organization):
    """A password alone opened it, so whoever has the cookie has not the factor."""
    client = log_in(viewer)
    adapter = get_adapter()
    Authenticator.objects.create(
        user=viewer, type="totp", data={"secret": adapter.encrypt(totp.generate_totp_secret())}
    )
    ask(organization, second_factor=True)

    page = client.get("/", follow=True).content.decode()

    assert reverse("mfa_reauthenticate") in page
    assert is_closed(client.get("/audit/"))


def test_api_keys_and_invitations_go_on(client, user, organization):
    ask(organization, second_factor=True, networks=["203.0.113.0/24"], provider="gone")
    _, token = keys.create(organization, name="x", scopes=["read"], actor=user)
    _, invited = invitations.create(organization, "duncan@arrakis.test", "viewer", actor=user)

    answer = client.get("/v1/streams", headers={"Authorization": f"Bearer {token}"})
    page = client.get(reverse("invitation_open", args=[invited]), follow=True)

    assert answer.status_code == 200
    assert "Join Arrakis" in page.content.decode()


def test_a_network_that_shuts_the_person_out_is_never_saved(user, organization):
    client = log_in(user, REMOTE_ADDR=OFFICE)

    refused = submit(client, PAGE, {"networks": "203.0.113.0/24\n2001:db8::/32"})
    saved = submit(client, PAGE, {"networks": "192.0.2.0/24, 2001:db8::/32"})

    assert refused.status_code == 422
    assert f"You come from {OFFICE}" in refused.content.decode()
    assert saved.status_code == 302
    assert SignInRules.objects.get().networks == ["192.0.2.0/24", "2001:db8::/32"]
    event = Event.objects.get(action="organization.sign_in_rules_changed")
    assert event.address == OFFICE
    assert event.details["before"] == {"networks": []}


@pytest.mark.parametrize(
    ("peer", "forwarded", "opens"),
    [
        (OFFICE, "", True),
        ("2001:db8::1", "", True),
        ("::ffff:192.0.2.7", "", True),
        (ELSEWHERE, "", False),
        (ELSEWHERE, OFFICE, False),
        ("10.0.0.1", OFFICE, True),
        ("10.0.0.1", f"{OFFICE}, {ELSEWHERE}", False),
    ],
)
def test_the_dashboard_opens_from_its_networks_alone(
    viewer, organization, settings, peer, forwarded, opens
):
    settings.TRUSTED_PROXIES = Proxies.parse(["10.0.0.0/8"])
    ask(organization, networks=["192.0.2.0/24", "2001:db8::/32"])
    client = log_in(viewer, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)

    answer = client.get("/audit/", follow=True)

    assert answer.status_code == (200 if opens else 403)
    assert opens or "opens from its networks only" in answer.content.decode()
    denied = Event.objects.filter(action="organization.network_refused")
    assert denied.exists() is not opens


def test_a_connect_flow_that_was_begun_does_not_end_where_the_door_is_closed(user, organization):
    app, client = make_oauth_app(organization, "hubspot"), log_in(user)
    key, kind = client.session.session_key, kinds.get("hubspot_oauth2")
    url = flow.start(organization, kind, user=user, session_key=key, oauth_app=app)
    state = parse_qs(urlsplit(url).query)["state"][0]
    ask(organization, networks=["203.0.113.0/24"])

    back = client.get("/link/oauth2/callback/hubspot", {"state": state, "code": "x"})

    assert back.status_code == 400
    assert ConnectSession.objects.get().finished_at is None


def test_another_organization_is_no_way_around(viewer, organization):
    ask(organization, networks=["192.0.2.0/24"])
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=viewer, role="owner")
    client = log_in(viewer, REMOTE_ADDR=ELSEWHERE)
    switch = reverse("dashboard:switch_organization")

    assert is_closed(client.get("/audit/"))
    client.post(switch, {"organization": other.pk})
    opened = client.get("/audit/")
    client.post(switch, {"organization": organization.pk})

    assert opened.status_code == 200
    assert is_closed(client.get("/audit/"))
    assert client.get("/v1/streams").status_code == 401  # a session opens nothing of the API
    assert is_closed(client.get(f"/audit/?organization={other.pk}"))


def test_the_staff_admin_asks_for_what_each_of_ones_organizations_asks(viewer, organization):
    User.objects.filter(pk=viewer.pk).update(is_staff=True, is_superuser=True)
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=viewer, role="owner")
    client = log_in(viewer)
    client.post(reverse("dashboard:switch_organization"), {"organization": other.pk})
    assert client.get("/staff/").status_code == 200
    rules = ask(organization, networks=["203.0.113.0/24"])
    assert client.get("/staff/").status_code == 200  # an owner shuts no staff out
    rules.second_factor = True
    rules.save()

    asked = client.get("/staff/access/organization/", follow=True)

    assert "Arrakis asks for a second factor" in asked.content.decode()
    assert client.get("/audit/").status_code == 200
    rules.second_factor, rules.idle_minutes = False, 5
    rules.save()
    put_back(client, active_at=HOUR)
    assert client.get("/staff/")["Location"].startswith("/staff/login/")


def test_staff_access_needs_a_second_factor_where_members_sign_on(user, organization):
    person = User.objects.create_superuser("irulan", "irulan@corrino.test", PASSWORD)
    hour = timedelta(hours=1)
    staff_access.open_access(organization, actor=person, reason="x", duration=hour)
    ask(organization, provider="okta")

    page = log_in(person).get("/audit/", follow=True).content.decode()

    assert "Arrakis asks for a second factor" in page


@pytest.mark.parametrize(
    ("rules", "past", "ends"),
    [
        ({"idle_minutes": 30}, {"login_at": 9 * HOUR, "active_at": 29 * 60}, False),
        ({"idle_minutes": 30}, {"login_at": 9 * HOUR, "active_at": 31 * 60}, True),
        ({"idle_minutes": 30}, {"login_at": 31 * 60}, True),
        ({"longest_minutes": 480}, {"login_at": 9 * HOUR, "active_at": 0}, True),
        ({"longest_minutes": 480}, {"login_at": 7 * HOUR, "active_at": 6 * HOUR}, False),
        ({}, {"login_at": 9 * HOUR, "active_at": 9 * HOUR}, False),
    ],
)
def test_a_session_ends_after_its_time(viewer, organization, rules, past, ends):
    ask(organization, **rules)
    client = log_in(viewer)
    cookie = client.cookies["sessionid"].value
    put_back(client, **past)

    answer = client.get("/audit/")

    assert is_login(answer) is ends
    assert Event.objects.filter(action="user.session_expired").exists() is ends
    assert UserSession.objects.filter(session_key=cookie).exists() is not ends
    client.cookies["sessionid"] = cookie
    assert is_login(client.get("/audit/")) is ends


def test_neither_a_poll_nor_a_switch_keeps_a_session_alive(viewer, organization):
    ask(organization, idle_minutes=30)
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=viewer, role="owner")
    client = log_in(viewer)
    put_back(client, active_at=29 * 60)
    before = client.session["active_at"]

    client.get(BADGES, headers={"HX-Request": "true", "X-Poll": "1"})
    assert client.session["active_at"] == before
    put_back(client, active_at=31 * 60)

    client.post(reverse("dashboard:switch_organization"), {"organization": other.pk})

    assert is_login(client.get("/audit/"))


def test_use_is_written_down_once_a_minute(viewer):
    client = log_in(viewer, REMOTE_ADDR=OFFICE)
    put_back(client, active_at=61)
    UserSession.objects.update(last_seen_at="2026-01-01T00:00:00Z")

    client.get("/", REMOTE_ADDR=ELSEWHERE)

    session = UserSession.objects.get()
    assert (str(session.ip), session.last_seen_at.year > 2025) == (ELSEWHERE, True)
    assert time.time() - client.session["active_at"] < HOUR


def test_whoever_runs_the_server_opens_the_door_again(viewer, organization):
    ask(organization, networks=["192.0.2.0/24"], second_factor=True, idle_minutes=5)
    client, out = log_in(viewer), StringIO()

    call_command("reset_sign_in_rules", "arrakis", "--networks", "--second-factor", stdout=out)

    assert "asks no more for: second factor, networks" in out.getvalue()
    assert client.get("/audit/").status_code == 200
    assert SignInRules.objects.get().idle_minutes == 5
    call_command("reset_sign_in_rules", "arrakis", stdout=out)
    assert SignInRules.objects.get().idle_minutes is None
    assert Event.objects.filter(action="organization.sign_in_rules_reset").count() == 2
    with pytest.raises(CommandError, match="no organization"):
        call_command("reset_sign_in_rules", "caladan")


def test_a_link_with_next_leads_to_no_other_site(viewer):
    client = log_in(viewer)

    for url in ("https://evil.test/", "//evil.test/", "javascript:alert(1)"):
        assert client.get(GATE, {"next": url})["Location"] == "/"


MINUTES = st.none() | st.integers(1, 10_000)


@given(st.lists(st.tuples(MINUTES, MINUTES), max_size=3), st.integers(0, 10**6), st.data())
def test_the_strictest_rule_ends_a_session(limits, age, data):
    idle = data.draw(st.integers(0, age))
    sign_in = SignIn(user=None, began_at=-age, active_at=-idle, address=None)
    rules = [
        SimpleNamespace(organization="Arrakis", longest_minutes=longest, idle_minutes=quiet)
        for longest, quiet in limits
    ]

    ended = find_end(rules, sign_in, now=0)

    longest = min((each for each, _ in limits if each), default=10**9)
    quiet = min((each for _, each in limits if each), default=10**9)
    assert bool(ended) == (age >= longest * 60 or idle >= quiet * 60)
