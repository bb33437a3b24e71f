"""The page of what will end, its CSV, and one's own calendar."""

import csv
import io
import re
from datetime import timedelta
from itertools import chain

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access import calendar_feeds, keys
from sequin_admin.access.models import CalendarFeed, Membership, Organization
from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential, OAuthApp
from sequin_admin.dashboard import csv_export
from sequin_admin.health import expiry, provider_changes
from sequin_admin.health.expiry import ExpiryFilter
from tests.conftest import make_member
from tests.dashboard.conftest import age_login
from tests.edit_forms import submit
from tests.factories import make_credential, make_oauth_app

DAY = timedelta(days=1)
URL = "/expiry/"


@pytest.fixture
def ends(organization, user):
    """Something ends in 10, 100 and 200 days, and Shopify touches a credential."""
    now = clock.now()
    make_oauth_app(organization, "hubspot", name="Zeta", secret_ends_at=now + 10 * DAY)
    make_oauth_app(organization, "linear", name="=Alpha", secret_ends_at=now + 100 * DAY)
    keys.create(organization, name="Late", scopes=["read"], actor=user, expires_at=now + 200 * DAY)
    shop = make_credential(organization, "shopify_oauth2", name="Old shop")
    shop.secrets = {"access_token": "shpat_old"}
    shop.save()


def names(page):
    return re.findall(r'class="strong" href="[^"]*">([^<]+)</a>', page.content.decode())


@pytest.mark.usefixtures("ends")
def test_the_page_lists_what_ends_and_which_changes_touch_you(owner):
    page = owner.get(URL)

    assert names(page) == ["Zeta", "=Alpha"]
    text = page.content.decode()
    assert "Shopify refuses offline tokens that never expire" in text
    assert "/credentials/?q=change:shopify-expiring-tokens" in text
    assert "token-based authentication ends" not in text
    touched = owner.get("/credentials/?q=change:shopify-expiring-tokens")
    assert "Old shop" in touched.content.decode()


@pytest.mark.usefixtures("ends")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"within": "30"}, ["Zeta"]),
        ({"within": "all"}, ["Zeta", "=Alpha", "Late"]),
        ({"within": "all", "sort": "-ends"}, ["Late", "=Alpha", "Zeta"]),
        ({"sort": "name"}, ["=Alpha", "Zeta"]),
        ({"sort": "what", "within": "all"}, ["Late", "Zeta", "=Alpha"]),
        ({"what": "api_key", "within": "all"}, ["Late"]),
        ({"provider": "linear"}, ["=Alpha"]),
        ({"q": "ZET"}, ["Zeta"]),
        ({"q": "note:x"}, []),
        ({"what": "nonsense", "within": "-1", "sort": "pk", "page": "9"}, ["Zeta", "=Alpha"]),
        ({"q": "\0" * 9 + "%_'\\"}, []),
    ],
)
def test_filters_and_orders(owner, query, found):
    assert names(owner.get(URL, query)) == found


@pytest.mark.usefixtures("ends")
def test_the_csv_has_the_filtered_list_in_its_order(owner):
    answer = owner.get(URL, {"format": "csv", "within": "all", "sort": "name"})

    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert rows[0] == ["ends_at", "what", "id", "name", "provider", "what_to_do"]
    assert [row[3] for row in rows[1:]] == ["'=Alpha", "Late", "Zeta"]
    assert csv_export.escape_formula("=Alpha") == "'=Alpha"


@pytest.mark.usefixtures("ends")
def test_the_page_takes_as_many_queries_for_many(owner, organization):
    owner.get(URL)
    with CaptureQueriesContext(connection) as few:
        owner.get(URL)
    for number in range(60):
        make_oauth_app(organization, "hubspot", name=str(number), secret_ends_at=clock.now() + DAY)
    with CaptureQueriesContext(connection) as many:
        owner.get(URL)

    assert len(few) == len(many) <= 12


def test_another_organization_sees_nothing_of_it(owner, user, ends):
    other = Organization.objects.create(name="Caladan", slug="caladan")
    Membership.objects.create(organization=other, user=user, role="owner")
    session = owner.session
    session["organization"] = str(other.pk)
    session.save()

    page = owner.get(URL, {"within": "all"})

    assert names(page) == []
    assert "Shopify refuses" not in page.content.decode()
    assert "Nothing that matches ends" in page.content.decode()


def test_a_calendar_is_shown_once_rotated_and_revoked(owner, client, user):
    assert "Make the address" in owner.get("/expiry/calendar/").content.decode()

    page = owner.post("/expiry/calendar/").content.decode()

    first = re.search(r"http://testserver(/calendar/[\w-]{43}\.ics)", page)[1]
    assert client.get(first).status_code == 200
    assert first not in owner.get(URL).content.decode()
    again = owner.post("/expiry/calendar/").content.decode()
    second = re.search(r"http://testserver(/calendar/[\w-]{43}\.ics)", again)[1]
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)
    owner.post("/expiry/calendar/revoke/", follow=True)
    assert client.get(second).status_code == 404
    assert not CalendarFeed.objects.exists()


def test_a_stale_login_a_viewer_and_a_stranger_make_none(owner, client, organization):
    age_login(owner)
    owner.post("/expiry/calendar/")
    viewer = make_member(organization, "v@arrakis.test", "viewer")
    client.force_login(viewer)
    refused = [client.post(f"/expiry/calendar/{end}").status_code for end in ("", "revoke/")]
    client.logout()
    turned_away = client.post("/expiry/calendar/")

    assert refused == [403, 403]
    assert (turned_away.status_code, turned_away["Location"][:16]) == (302, "/accounts/login/")
    assert not CalendarFeed.objects.exists()


def test_nobody_revokes_the_calendar_of_another(owner, organization):
    member = make_member(organization, "m@arrakis.test", "member")
    calendar_feeds.make_feed(Membership.objects.get(user=member), actor=member)

    owner.post("/expiry/calendar/revoke/")

    assert CalendarFeed.objects.get().membership.user == member


def test_an_apps_secret_gets_an_end_and_keeps_its_hour(owner, organization):
    app = make_oauth_app(organization, "hubspot")
    form = {"name": "Main", "client_id": "x", "metadata": ""}
    edit = f"/oauth-apps/{app.pk}/edit/"

    submit(owner, edit, {**form, "secret_ends_on": "2030-05-06"})
    app.refresh_from_db()
    assert app.secret_ends_at.isoformat() == "2030-05-06T00:00:00+00:00"

    OAuthApp.objects.update(secret_ends_at=app.secret_ends_at + timedelta(hours=7))
    assert 'value="2030-05-06"' in owner.get(edit).content.decode()
    submit(owner, edit, {**form, "name": "Renamed", "secret_ends_on": "2030-05-06"})
    app.refresh_from_db()
    assert (app.name, app.secret_ends_at.hour) == ("Renamed", 7)

    submit(owner, f"/oauth-apps/{app.pk}/secret/", {"client_secret": "brand-new"})
    app.refresh_from_db()
    assert (app.secrets["client_secret"], app.secret_ends_at) == ("brand-new", None)

    refused = submit(owner, edit, {**form, "secret_ends_on": "soon"})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("what", "order", "index"),
    [
        ("connect_link", expiry.SOONEST_FIRST, "link_order_of_ends"),
        ("", ("title", "row_id"), "link_name"),
        ("credential", expiry.SOONEST_FIRST, "credential_end"),
        ("", expiry.SOONEST_FIRST, "credential_end"),
        ("", ("title", "row_id"), "credential_end_name"),
        ("", ("sort_of", "end", "row_id"), "credential_end"),
        ("", ("-sort_of", "-end", "-row_id"), "credential_end"),
    ],
)
def test_the_next_ends_are_found_by_an_index(organization, what, order, index):
    """On PostgreSQL, where the planner would sort the few rows of a test if it may."""
    make_credential(organization, "stripe_key")
    Credential.objects.update(ends_at=clock.now() + DAY)
    if index.startswith("link"):
        Credential.objects.all().delete()
        links.create(organization, [kinds.get("stripe_key")], actor=None)
    wanted = ExpiryFilter(until=clock.now() + 180 * DAY, what=what)
    rows = expiry.rows_ending(organization, wanted, order=order, most=50)[:50]
    lite = connection.vendor == "sqlite"

    with CaptureQueriesContext(connection) as captured:
        assert len(rows) == 1
    with connection.cursor() as cursor:
        for way in () if lite else ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if lite else ''}{captured[0]['sql']}")
        steps = cursor.fetchall()
    plan = "\n".join(str(step) for step in steps)

    assert re.search(rf"{index}\b", plan)
    assert not re.search("Seq Scan|SCAN (credentials_credential|connect_connectlink)", plan)
    if lite and len(order) == 3:
        # Only those that are shown are sorted: they are found in order.
        (within,) = {parent for _, parent, _, step in steps if f"U0 USING INDEX {index}" in step}
        beside = [step for _, parent, _, step in steps if parent == within]
        assert not any("TEMP B-TREE" in step for step in beside)


def test_in_the_order_of_what_ends_the_pages_follow_each_other(owner, organization, user):
    now = clock.now()
    for number in range(60):
        make_credential(organization, "stripe_key", name=f"Key {number:02}", identity=str(number))
        rows = Credential.objects.filter(name=f"Key {number:02}")
        rows.update(ends_at=now + (60 - number) * DAY)
    keys.create(organization, name="A key", scopes=["read"], actor=user, expires_at=now + DAY)

    pages = [names(owner.get(URL, {"sort": "what", "page": page})) for page in (1, 2)]
    back = [names(owner.get(URL, {"sort": "-what", "page": page})) for page in (1, 2)]

    listed = ["A key", *(f"Key {number:02}" for number in reversed(range(60)))]
    assert [len(page) for page in pages] == [50, 11]
    assert [*chain(*pages)] == listed
    assert [*chain(*back)] == listed[::-1]


def test_which_credentials_a_change_touches_is_not_read_from_all_of_them(organization):
    make_credential(organization, "stripe_key")
    with CaptureQueriesContext(connection) as none:
        provider_changes.count_touched(organization)
    make_credential(organization, "shopify_oauth2")
    with CaptureQueriesContext(connection) as captured:
        provider_changes.count_touched(organization)

    assert not [each for each in none if "kind" in each["sql"] and "IN (" in each["sql"]]
    assert [
        each for each in captured if re.search(r"\"kind\" IN \('shopify_oauth2'\)", each["sql"])
    ]
