"""Connect links in the dashboard: created, tracked, exported, revoked."""

import csv
import re
from io import StringIO
from uuid import uuid4

import pytest
from django.http import QueryDict
from django.urls import reverse

from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.connect.models import ConnectLink, LinkState
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.listing import AskedBefore
from sequin_admin.dashboard.views import connect_links
from sequin_admin.health import fleet
from tests.edit_forms import submit
from tests.factories import make_credential, make_oauth_app

LIST = reverse("dashboard:connect_links")
BROKEN = {"health_status": "customer_intervention"}


@pytest.fixture
def link(organization, user):
    return links.create(organization, [kinds.get("stripe_key")], actor=user, name="Arrakis")


def new(provider):
    return reverse("dashboard:connect_link_new", args=[provider])


def page_of(link):
    return reverse("dashboard:connect_link", args=[link.pk])


def test_an_operator_makes_a_link_and_copies_it(client, owner, organization):
    app = make_oauth_app(organization, "hubspot", redirect_uris=["https://a.test/done"])
    form = {
        "kinds": ["hubspot_oauth2"],
        "oauth_app": app.pk,
        "name": "Arrakis",
        "metadata": '{"plan": "pro"}',
        "days": "3",
        "redirect_url": "https://a.test/done",
    }

    page = client.post(new("hubspot"), form, follow=True)

    link = ConnectLink.objects.get()
    assert links.address(link) in page.content.decode()
    assert (link.name, link.metadata, link.oauth_app) == ("Arrakis", {"plan": "pro"}, app)
    assert Event.objects.about(link).get().action == "connect_link.created"


def test_a_key_needs_no_oauth_app(client, owner):
    client.post(new("sendgrid"), {"kinds": ["sendgrid_key"], "days": "7"})

    assert ConnectLink.objects.get().kinds == ["sendgrid_key"]


def test_what_makes_no_link_is_said_and_keeps_what_was_entered(client, owner):
    page = client.post(new("stripe"), {"kinds": ["stripe_oauth2"], "days": "7", "name": "Kept"})

    assert page.status_code == 422
    assert "Choose the OAuth app at Stripe" in page.content.decode()
    assert 'value="Kept"' in page.content.decode()


def test_nobody_is_sent_where_the_app_did_not_register(client, owner, organization):
    first = make_oauth_app(organization, "hubspot", redirect_uris=["https://a.test/done"])
    second = make_oauth_app(organization, "hubspot")
    form = {"kinds": ["hubspot_oauth2"], "days": "7", "redirect_url": "https://a.test/done"}

    page = client.post(new("hubspot"), {**form, "oauth_app": second.pk})

    assert "registered on the OAuth app" in page.content.decode()
    assert client.post(new("hubspot"), {**form, "oauth_app": first.pk}).status_code == 302


def test_a_viewer_sees_how_far_it_is_but_not_the_address(client, viewer, link):
    client.force_login(viewer)

    page = client.get(page_of(link)).content.decode()

    assert "Not opened yet" in page
    assert links.address(link) not in page
    assert client.get(reverse("dashboard:connect_links_csv")).status_code == 403


def test_a_withdrawn_link_shows_no_address(client, owner, link):
    address = links.address(link)

    page = client.post(
        reverse("dashboard:connect_link_revoke", args=[link.pk]), follow=True
    ).content.decode()

    assert "Revoked" in page
    assert address not in page


def test_what_becomes_of_a_link_may_change_while_it_is_open(client, owner, link, user):
    path = reverse("dashboard:connect_link_edit", args=[link.pk])
    before = links.address(link)

    page = submit(client, path, {"name": "House", "metadata": '{"plan": "pro"}'}, follow=True)
    links.revoke(link, actor=user)
    late = client.post(path, {"name": "Late"}, follow=True).content.decode()

    link.refresh_from_db()
    assert before in page.content.decode()
    assert (link.name, link.metadata) == ("House", {"plan": "pro"})
    assert Event.objects.about(link).get(action="connect_link.changed").actor == str(user)
    assert "is over, so nothing about it can change" in late
    assert "Edit</a>" not in late


def test_links_are_narrowed_by_state(client, owner, organization, link, user):
    links.revoke(links.create(organization, [kinds.get("sendgrid_key")], actor=user), actor=user)

    page = client.get(LIST, {"state": "revoked"}).content.decode()

    assert "SendGrid" in page
    assert page_of(link) not in page


def test_the_reason_of_a_failure_stands_in_the_list_and_on_the_page(client, owner, link):
    links.fail(link, "HubSpot said no.")

    assert "HubSpot said no." in client.get(LIST).content.decode()
    assert "HubSpot said no." in client.get(page_of(link)).content.decode()


def test_a_broken_credential_gets_a_reconnect_link(client, owner, organization):
    credential = make_credential(organization, "stripe_key", **BROKEN)
    page = client.get(reverse("dashboard:credential", args=[credential.pk])).content.decode()
    assert "Send a reconnect link" in page

    client.post(reverse("dashboard:reconnect_link", args=[credential.pk]))

    assert ConnectLink.objects.get().reconnects == credential


def test_what_waits_for_us_gets_no_link(client, owner, organization):
    credential = make_credential(organization, "stripe_key", health_status="sequin_intervention")

    page = client.post(reverse("dashboard:reconnect_link", args=[credential.pk]), follow=True)

    assert "its customer can&#x27;t mend it" in page.content.decode()
    assert not ConnectLink.objects.exists()


@pytest.fixture
def broken(organization):
    return [
        make_credential(organization, "stripe_key", identity=f"acct_{i}", name=f"N{i}", **BROKEN)
        for i in range(3)
    ]


def test_the_csv_has_every_link_of_the_batch_for_a_mail_merge(
    client, owner, broken, organization, user
):
    batch = uuid4()
    links.create_reconnects(organization, broken, actor=user, batch=batch)

    answer = client.get(reverse("dashboard:connect_links_csv"), {"batch": str(batch)})

    rows = list(csv.DictReader(StringIO(answer.content.decode())))
    assert {row["link"] for row in rows} == {links.address(x) for x in ConnectLink.objects.all()}
    assert {row["credential_id"] for row in rows} == {str(c.pk) for c in broken}
    assert Event.objects.of(organization.pk).filter(action="connect_link.exported").exists()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_name_becomes_a_formula_in_a_spreadsheet(client, owner, organization, user, name):
    links.create(organization, [kinds.get("stripe_key")], actor=user, name=name)

    answer = client.get(reverse("dashboard:connect_links_csv"))

    (row,) = csv.DictReader(StringIO(answer.content.decode()))
    assert row["name"] == f"'{name}"


def test_a_list_of_links_asks_the_database_a_fixed_number_of_times(
    client, owner, organization, user, django_assert_max_num_queries
):
    for _ in range(20):
        links.create(organization, [kinds.get("stripe_key")], actor=user)

    with django_assert_max_num_queries(12):
        client.get(LIST)


def test_a_link_that_is_over_is_polled_no_more(client, owner, link, user):
    assert "hx-trigger" in client.get(page_of(link)).content.decode()
    links.revoke(link, actor=user)

    progress = re.search(r'id="progress".*?>', client.get(page_of(link)).content.decode(), re.S)

    assert "hx-trigger" not in progress.group()
    assert ConnectLink.objects.get().state is LinkState.REVOKED


def test_without_an_oauth_app_the_way_to_one_is_shown(client, owner):
    page = client.get(new("hubspot")).content.decode()

    assert "First add an OAuth app" in page
    assert reverse("dashboard:oauth_app_add", args=["hubspot"]) in page


def test_of_few_links_the_states_are_as_they_are_and_of_many_for_a_while(
    organization, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(fleet, "LARGE_FLEET", 3)

    def make():
        links.create(organization, [kinds.get("stripe_key")], actor=None)

    def count(query=""):
        found = connect_links.count_states(AskedBefore(organization, QueryDict(query)))
        return found[LinkState.CREATED]

    for number in range(3):
        assert count() == number
        make()
    assert count() == 3
    make()
    with django_assert_num_queries(0):
        assert count() == 3
    assert (count(f"batch={uuid4()}"), count("q=stripe")) == (0, 4)
