"""Filters, order and polling of lists, and the suggested action on a credential's page."""

import re
from datetime import timedelta

import pytest
from django.http import QueryDict

from sequin_admin.audit.models import Event
from sequin_admin.connect import credential_operations, links
from sequin_admin.connect.models import ConnectLink
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard import csv_export
from sequin_admin.dashboard.listing import AskedBefore
from sequin_admin.dashboard.views import oauth_apps, targets
from sequin_admin.dashboard.views import streams as stream_pages
from sequin_admin.syncs import streams
from tests.factories import make_credential, make_oauth_app, make_synced

QUIET = {"health_status": "healthy", "check_due_at": None}


@pytest.fixture
def owner(client, user):
    client.force_login(user)
    return client


def order_of(page, *names):
    return sorted(names, key=lambda name: page.index(f">{name}</a>"))


def test_the_credentials_of_one_app(owner, organization):
    app = make_oauth_app(organization, "hubspot", name="Main app")
    make_credential(organization, "hubspot_oauth2", oauth_app=app, name="Spice")
    make_credential(organization, "stripe_key", name="Water")

    page = owner.get("/credentials/", {"oauth_app": app.pk}).content.decode()

    assert "OAuth app: Main app" in page
    assert ">Spice</a>" in page
    assert ">Water</a>" not in page


@pytest.mark.parametrize("value", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_app_that_is_none_has_no_credentials(owner, organization, value):
    make_credential(organization, "stripe_key", name="Water")

    page = owner.get("/credentials/", {"oauth_app": value}).content.decode()

    assert "No credential matches" in page


def test_a_chip_removes_its_filter_and_keeps_the_others(owner, organization):
    page = owner.get("/credentials/", {"q": "spi", "provider": "stripe", "page": "2"})

    text = page.content.decode()
    assert 'href="/credentials/?q=spi"' in text
    assert 'href="/credentials/?provider=stripe"' in text


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("newest", ["Broken", "Idle", "Calm"]),
        ("name", ["Broken", "Calm", "Idle"]),
        ("health", ["Broken", "Calm", "Idle"]),
        ("checked", ["Calm", "Broken", "Idle"]),
        ("nonsense", ["Broken", "Idle", "Calm"]),
    ],
)
def test_every_order(owner, organization, sort, expected):
    now = clock.now()
    rows = [
        ("Calm", {**QUIET, "checked_at": now}),
        ("Idle", {"disabled_at": now}),
        (
            "Broken",
            {"health_status": "sequin_intervention", "checked_at": now - timedelta(hours=1)},
        ),
    ]
    for minutes, (name, columns) in enumerate(rows):
        made = now + timedelta(minutes=minutes)
        make_credential(
            organization, "stripe_key", name=name, identity=name, created_at=made, **columns
        )

    page = owner.get("/credentials/", {"sort": sort}).content.decode()

    assert order_of(page, "Calm", "Idle", "Broken") == expected


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("hubspot_oauth2", "Reconnect HubSpot"),
        ("servicenow_oauth2", "Enter another client"),
        ("stripe_key", "Enter the secret again"),
    ],
)
def test_what_a_customer_must_do_has_its_button(owner, organization, viewer, kind, step):
    broken = make_credential(
        organization, kind, health_status="customer_intervention", health_note="It was revoked."
    )

    assert step in owner.get(f"/credentials/{broken.pk}/").content.decode()
    owner.force_login(viewer)
    assert step not in owner.get(f"/credentials/{broken.pk}/").content.decode()


def test_what_a_broken_app_holds_up_leads_to_the_app(owner, organization):
    app = make_oauth_app(
        organization, "hubspot", health_status="sequin_intervention", health_note="It is wrong."
    )
    waiting = make_credential(
        organization, "hubspot_oauth2", oauth_app=app, health_status="sequin_intervention"
    )

    assert "Open the OAuth app" in owner.get(f"/credentials/{waiting.pk}/").content.decode()
    page = owner.get(f"/oauth-apps/{app.pk}/").content.decode()
    assert "It is wrong." in page
    assert "Correct the app" in page


def test_the_audit_log_follows_an_object_through_its_names(owner, organization, user):
    credential = make_credential(organization, "stripe_key", name="Spice")
    other = make_credential(organization, "stripe_key", name="Spice too", identity="other")
    credential_operations.update_details(credential, name="Melange", actor=user)
    credential_operations.disable(credential, actor=user)
    credential_operations.disable(other, actor=user)

    page = owner.get("/audit/", {"id": credential.pk}).content.decode()

    assert page.count("data-row") == Event.objects.about(credential).count() == 2
    assert "Object: Melange" in page


def test_metadata_of_an_app_is_kept_and_shown(owner, organization):
    sent = {"name": "Ours", "client_id": "id-1", "client_secret": "s"}
    sent["metadata"] = '{"team": "crm"}'

    page = owner.post("/oauth-apps/new/hubspot/", sent, follow=True).content.decode()

    assert "&quot;team&quot;: &quot;crm&quot;" in page


def test_a_header_sorts_and_sorts_back(owner, organization):
    for name in ("Alia", "Chani"):
        make_credential(organization, "stripe_key", name=name, identity=name)

    there = owner.get("/credentials/?sort=name&q=a").text
    page = owner.get("/credentials/?sort=-name").content.decode()

    assert 'href="?sort=-name&amp;q=a"' in there
    assert order_of(page, "Alia", "Chani") == ["Chani", "Alia"]


def test_each_term_of_a_search_is_a_chip_and_a_failing_one_says_why(owner, organization):
    make_credential(organization, "stripe_key", name="Alia")

    page = owner.get("/credentials/", {"q": 'status:green "al ia"', "kind": "stripe_key"}).text

    assert 'href="/credentials/?q=%22al+ia%22&amp;kind=stripe_key"' in page
    assert 'href="/credentials/?q=status%3Agreen&amp;kind=stripe_key"' in page
    assert "status is one of healthy" in page
    assert ">Alia</a>" not in page


def test_a_list_is_exported_as_it_is_filtered_and_sorted(viewer, client, organization):
    client.force_login(viewer)
    for name in ("=1+1", "@Alia", "-Chani", "Else"):
        make_credential(
            organization, "stripe_key", name=name, identity=name, metadata={"in": name != "Else"}
        )

    response = client.get("/credentials/", {"q": "in:true", "sort": "-name", "format": "csv"})

    lines = response.getvalue().decode().splitlines()
    assert lines[0].startswith("id,name,account,")
    assert [line.split(",")[1] for line in lines[1:]] == ["'@Alia", "'=1+1", "'-Chani"]
    assert "sk_" not in "".join(lines)


def test_an_export_reads_a_batch_at_a_time(organization, django_assert_num_queries, monkeypatch):
    for number in range(5):
        make_credential(organization, "stripe_key", identity=f"acct_{number}")
    monkeypatch.setattr(csv_export, "CHUNK_SIZE", 2)
    lines = csv_export.csv_lines(Credential.objects.order_by("name", "id"), {"id": str})

    with django_assert_num_queries(0):
        next(lines)
    with django_assert_num_queries(2):
        next(lines)
    with django_assert_num_queries(2):
        assert len(list(lines)) == 2


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("syncs", "Invoices"),
        ("targets", "Warehouse"),
        ("consumers", "To the warehouse"),
        ("streams", "dev"),
        ("oauth-apps", "HubSpot"),
    ],
)
def test_every_list_sorts_counts_and_is_exported(owner, organization, user, path, row):
    make_synced(make_credential(organization, "stripe_key", name="Alia"))
    streams.create(organization, actor=user, slug="dev")
    make_oauth_app(organization, "hubspot", name="HubSpot")

    page = owner.get(f"/{path}/?q={row.split()[-1]}")
    sorted_by = re.findall(r'href="\?q=\w+&amp;sort=([\w-]+)', page.text)
    lines = owner.get(f"/{path}/?q={row.split()[-1]}&format=csv").getvalue().decode().splitlines()

    assert len(sorted_by) >= 3
    assert all(owner.get(f"/{path}/?sort={key}").status_code == 200 for key in sorted_by)
    noun = path.removesuffix("s").replace("oauth-", "OAuth ")
    assert re.search(rf"1\s+{noun}", page.text)
    assert [line.split(",")[1] for line in lines[1:]] == [row]
    assert owner.get(f"/{path}/?q=nothing&format=csv").getvalue().decode().count("\n") == 1


def test_links_are_sorted_and_exported_without_their_addresses(owner, organization, user):
    for name in ("Alia", "Chani", "Irulan"):
        links.create(organization, [kinds.get("stripe_key")], actor=user, name=name)
    links.revoke(ConnectLink.objects.get(name="Chani"), actor=user)

    page = owner.get("/connect-links/?sort=-name").text
    answer = owner.get("/connect-links/?sort=-name&state=created&format=csv")

    assert order_of(page, "Alia", "Chani", "Irulan") == ["Irulan", "Chani", "Alia"]
    assert re.search(r"3\s+links", page)
    lines = answer.getvalue().decode().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["Irulan", "Alia"]
    assert "/link/connect" not in "".join(lines)
    for sort in ("newest", "ends", "-ends", "nonsense"):
        assert owner.get(f"/connect-links/?sort={sort}").status_code == 200


# Lists, with what narrows them to nothing; "" for those without a search.
LISTS = {
    "/audit/": "actor",
    **dict.fromkeys(("/notifications/", "/api-keys/", "/exports/"), ""),
    **dict.fromkeys(
        (
            *("/incidents/", "/credentials/", "/oauth-apps/", "/connect-links/", "/syncs/"),
            *("/targets/", "/consumers/", "/streams/", "/usage/", "/expiry/", "/syncs/runs/"),
        ),
        "q",
    ),
}


def test_a_list_without_rows_says_why_and_what_to_do(owner, organization):
    """A list that nothing is in yet, and one of which nothing is left."""
    make_credential(organization, "stripe_key")  # without any, some lists have no search
    silent = []

    for path, name in LISTS.items():
        html = owner.get(path).text
        left = owner.get(path, {name: "ornithopter"}).text if name else ""
        if 'class="empty"' not in html and "data-row" not in html:
            silent.append(path)
        if name and not re.search(r'class="empty">.*?<a class="btn', left, re.DOTALL):
            silent.append(f"{path}?{name}=")

    assert silent == []


def test_how_many_belong_to_each_row_is_counted_without_a_join(organization):
    """With one, all credentials were read and sorted before the first row was known."""
    asked = AskedBefore(organization, QueryDict("sort=-credentials"))
    make_oauth_app(organization, "linear")
    app = make_oauth_app(organization, "hubspot")
    for number in range(2):
        make_credential(organization, "hubspot_oauth2", oauth_app=app, identity=str(number))

    assert [row.used_by for row in oauth_apps.LIST.found(asked)] == [2, 0]
    for module in (oauth_apps, stream_pages, targets):
        assert "JOIN" not in str(module.LIST.found(asked).query)
