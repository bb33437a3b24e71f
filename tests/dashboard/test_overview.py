"""The overview: counts, incidents and number of queries."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from sequin_admin.access import staff_access
from sequin_admin.access.models import User
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard.overview import changes, queues
from sequin_admin.health import causes, fleet
from sequin_admin.health.models import (
    Cause,
    Incident,
    Transition,
    WorkerProcess,
    subject_columns,
)
from sequin_admin.health.status import Status
from sequin_admin.limits import usage
from sequin_admin.limits.models import Sample
from sequin_admin.notifications import channels
from sequin_admin.notifications.models import ChannelKind
from tests.conftest import make_member

URL = "/"


def make(organization, name: str, status: str = "", kind: str = "stripe_key", **columns):
    return kinds.get(kind).objects.create(
        organization=organization,
        name=name,
        identity=name,
        properties={"account_id": name, "name": name, "test": True},
        secrets={"secret": "sk_test_melange"},
        health_status=status,
        health_since=clock.now() - timedelta(hours=3) if status else None,
        **columns,
    )


def make_incident(subject, status=Status.CUSTOMER, **columns):
    columns = {"code": "broken", "message": "It broke.", **columns}
    row = Incident.objects.create(**subject_columns(subject), status=status, **columns)
    causes.group_orphans()
    return row


def make_app(organization, **columns):
    return OAuthApp.objects.create(
        organization=organization, provider="hubspot", name="Ornithopter", client_id="i", **columns
    )


@pytest.fixture
def overview(client, user):
    """The overview as an owner sees it."""

    def get() -> str:
        client.force_login(user)
        response = client.get(URL)
        assert response.status_code == 200
        return response.content.decode()

    return get


def test_empty_organization_sees_five_open_steps(overview):
    html = overview()

    assert html.count('class="card step"') == 5
    assert "Done:" not in html


def test_staff_who_look_around_are_led_nowhere(client, organization, user):
    helper = User.objects.create_superuser(username="irulan", email="irulan@corrino.test")
    staff_access.open_access(organization, actor=helper, reason="Help", duration=timedelta(hours=1))
    client.force_login(helper)

    page = client.get(URL).content.decode()
    assert ("Welcome to Arrakis" in page, "Five steps" in page) == (True, False)


def test_steps_tick_themselves_and_go_when_all_are_done(overview, organization):
    make_app(organization)
    make_member(organization, "duncan@arrakis.test", "viewer")
    assert overview().count("step-done") == 2

    channels.create(
        organization, ChannelKind.MAIL, actor=None, name="Ops", address="ops@arrakis.test"
    )
    make(organization, "Caladan", Status.HEALTHY)
    assert overview().count("step-done") == 4

    WorkerProcess.objects.create(hostname="arrakis", pid=1, threads=8)
    assert "Invite a colleague" not in overview()


def test_counts_link_to_filtered_lists(overview, organization):
    make(organization, "Caladan", Status.HEALTHY)
    make(organization, "Kaitain", Status.HEALTHY)
    make_incident(make(organization, "Salusa", Status.CUSTOMER))

    html = overview()

    assert "/incidents/?who=customers" in html
    assert "?health=healthy" in html
    assert "?health=customer_intervention" in html
    assert '<span class="count-number">2</span>' in html


def test_rest_is_linked_too(overview, client, organization):
    make(organization, "Caladan", Status.HEALTHY)
    make(organization, "Ix")
    make(organization, "Tleilax", Status.HEALTHY, disabled_at=clock.now())

    html = overview()

    for filtered, name in (("?health=unchecked", "Ix"), ("?health=disabled", "Tleilax")):
        assert filtered in html
        listed = client.get(reverse("dashboard:credentials") + filtered).content.decode()
        assert [n for n in ("Caladan", "Ix", "Tleilax") if f">{n}<" in listed] == [name]


def test_viewer_is_not_led_where_viewers_may_not_go(client, viewer):
    client.force_login(viewer)

    html = client.get(URL).content.decode()

    assert "Connect an account" in html
    assert reverse("dashboard:providers") not in html


def test_customers_queue_says_what_happened_and_leads_there(overview, organization):
    note = "Stripe refuses this key. The customer must make a new one."
    sick = make(organization, "Salusa", Status.CUSTOMER)
    make_incident(sick, message=note)

    html = overview()

    assert note in html
    assert reverse("dashboard:credential", args=[sick.pk]) in html
    assert reverse("dashboard:reconnect_link", args=[sick.pk]) in html
    assert "Nothing waits for us." in html


def test_our_queue_begins_with_what_most_wait_for(overview, organization):
    app = make_app(organization, health_status=Status.SEQUIN)
    lonely = make(organization, "Caladan", Status.SEQUIN)
    make_incident(lonely, Status.SEQUIN, affected=0)
    make_incident(app, Status.SEQUIN, affected=412, message="HubSpot rejects our OAuth app.")

    html = overview()

    assert "HubSpot rejects our OAuth app. 412 credentials are waiting." in html
    assert html.index("Ornithopter") < html.index("Caladan")


def test_of_equal_causes_the_oldest_are_shown_and_all_are_counted(organization):
    now = clock.now()
    for number in range(queues.SHOWN + 2):
        at = now - timedelta(minutes=number)
        make_incident(make(organization, f"Sietch {number}"), code=f"c{number}", opened_at=at)

    found = queues.list_queues(organization)

    shown = [line.cause.name for line in found["theirs"]]
    assert shown == [f"Sietch {number}" for number in range(queues.SHOWN + 1, 1, -1)]
    theirs = found["parties"][1]
    assert (theirs.causes, theirs.broken) == (queues.SHOWN + 2, queues.SHOWN + 2)


def test_what_is_over_is_in_no_queue(overview, organization):
    sick = make(organization, "Salusa", Status.CUSTOMER)
    make_incident(sick, resolved_at=clock.now(), message="The key was refused.")

    assert "<li data-row>" not in overview()


def test_disabled_credentials_are_counted_apart(organization):
    make(organization, "Caladan", Status.SEQUIN, disabled_at=clock.now())
    make(organization, "Kaitain")

    census = fleet.get_census(organization)

    assert (census.total, census.disabled, census.by_status) == (2, 1, {"": 1})


def test_provider_shows_its_sickest_credential(organization):
    make(organization, "Caladan", Status.HEALTHY)
    make(organization, "Salusa", Status.CUSTOMER)

    [stripe] = fleet.get_census(organization).providers

    assert (stripe.title, stripe.count, stripe.status) == ("Stripe", 2, Status.CUSTOMER)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (set(), "disabled"),
        ({""}, ""),
        ({"", "healthy"}, "healthy"),
        ({"healthy", "customer_intervention"}, "customer_intervention"),
        ({"customer_intervention", "sequin_intervention"}, "sequin_intervention"),
    ],
)
def test_sickest(statuses, expected):
    assert fleet.worst_status(statuses) == expected


def test_what_changed_is_folded_by_cause_and_newest_first(organization):
    rows = [make(organization, f"Sietch {number}", Status.HEALTHY) for number in range(20)]
    for row in rows:
        Transition.objects.create(**subject_columns(row), before="", after="healthy")
        make_incident(row, code="invalid_grant", opened_at=clock.now())
    Transition.objects.create(**subject_columns(rows[0]), before="healthy", after=Status.CUSTOMER)
    ix = make(organization, "Ix")
    Transition.objects.create(**subject_columns(ix), before="", after=Status.CUSTOMER)
    make_incident(ix, resolved_at=clock.now() + timedelta(hours=1))

    found = changes.list_changes(organization)

    assert [change.what for change in found] == [
        *("Over: Ix", "Ix", "Sietch 19 and 19 more", "Stripe refuses 20 accounts"),
    ]


def test_zero_never_stands_above_a_queue(overview, organization):
    """What is broken need not be a credential, and a credential need not be to blame."""
    make(organization, "Caladan", Status.HEALTHY)
    make_incident(make_app(organization), Status.SEQUIN, affected=412)

    html = overview()

    counted = re.findall(r'count-number">([0-9,]+)<', html)
    assert counted == ["1", "0", "1"]
    assert "412 waiting" in html


def test_a_mass_failure_is_one_line_with_three_things_to_do(overview, organization, client):
    for number in range(30):
        row = make(organization, f"Sietch {number}", Status.CUSTOMER)
        make_incident(row, code="invalid_grant")
    cause = Cause.objects.get()

    html = overview()

    assert html.count("<li data-row>") == 1
    assert "Stripe refuses 30 accounts" in html
    bulk = f"/connect-links/bulk/?cause={cause.pk}&amp;all=1"
    for address in (bulk, f"/credentials/?cause={cause.pk}", f"/causes/{cause.pk}/mute/"):
        assert f'href="{address}"' in html
    asked = client.get(bulk.replace("&amp;", "&")).content.decode()
    assert "Create 30 links" in asked


def test_other_organizations_stay_out(overview, organization, stranger):
    theirs = stranger.organizations.get()
    credential = make(theirs, "Harkonnen secret", Status.CUSTOMER)
    Transition.objects.create(**subject_columns(credential), before="", after="healthy")
    make_incident(credential)
    make(organization, "Caladan", Status.HEALTHY)

    assert "Harkonnen secret" not in overview()


@pytest.mark.parametrize("rows", [3, 60])
def test_queries_do_not_grow(client, user, organization, rows, django_assert_max_num_queries):
    app = make_app(organization, health_status=Status.SEQUIN, health_since=clock.now())
    for number in range(rows):
        status = Status.values[number % 3]
        kind, own = ("hubspot_oauth2", app) if number % 2 else ("stripe_key", None)
        credential = make(organization, f"Sietch {number}", status, kind=kind, oauth_app=own)
        Transition.objects.create(**subject_columns(credential), before="", after=status)
        make_incident(credential, Status.values[1 + number % 2])
    client.force_login(user)

    with django_assert_max_num_queries(12):
        page = client.get(URL).content.decode()

    assert ("Invite a colleague" in page) is (rows < 10)
    assert Credential.objects.of(organization).count() == rows


def test_who_uses_nearly_all_it_may_is_shown(overview, organization):
    credential = make(organization, "Caladan", Status.HEALTHY)
    at = usage.start_of(clock.now(), usage.SamplePeriod.MINUTE)
    Sample.objects.create(
        credential=credential, span=usage.SamplePeriod.MINUTE, at=at, granted=99_999_999
    )

    html = overview()

    assert "Limits running hot" in html
    assert reverse("dashboard:usage", args=[credential.pk]) in html
