"""No list reads or sorts the rows of a whole organization: each order is that of an index."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.connect import links
from sequin_admin.connect.credential_operations import actions
from sequin_admin.core.search_text import trigrams
from sequin_admin.credentials import kinds
from sequin_admin.credentials.models import Credential
from sequin_admin.dashboard.views import connect_links
from sequin_admin.health.models import Cause
from sequin_admin.syncs import syncs
from tests.factories import make_credential

LITE = connection.vendor == "sqlite"
WALKS = {
    "/credentials/?sort=kind": "credential_kind",
    "/credentials/?sort=-kind": "credential_kind",
    "/credentials/?sort=health": "credential_worst",
    "/credentials/?sort=-health": "credential_worst",
    "/credentials/?sort=checked": "credential_checked",
    "/credentials/?sort=-checked": "credential_checked",
    "/credentials/?health=disabled": "credential_disabled",
    "/syncs/?sort=health": "sync_by_health",
    "/syncs/?sort=-health": "sync_by_health",
    "/syncs/?sort=report": "sync_report",
    "/syncs/?sort=-report": "sync_report",
    "/audit/?first=2020-01-01": "event_time",
}


@pytest.fixture(autouse=True)
def rows(organization):
    row = make_credential(organization, "stripe_key", name="One")
    actions.disable(make_credential(organization, "stripe_key", name="Two"), actor=None)
    syncs.create(row, actor=None, name="Invoices")
    links.create(organization, [kinds.get("stripe_key")], actor=None, name="One")


def statements(owner, path):
    with CaptureQueriesContext(connection) as captured:
        assert owner.get(path).status_code == 200
    return [each["sql"] for each in captured]


def listed(owner, path):
    """The statement that reads the rows of a page."""
    table = {"credentials": "credentials_credential", "syncs": "syncs_sync"}
    table |= {"audit": "audit_event", "connect-links": "connect_connectlink"}
    begins = f'SELECT "{table[path.split("/")[1]]}"'
    found = (each for each in statements(owner, path) if each.startswith(begins))
    return next(each for each in found if not each.endswith("LIMIT 2000"))


def plan_of(statement):
    """As of many rows: on PostgreSQL the planner would sort the few of a test if it may."""
    with connection.cursor() as cursor:
        for way in () if LITE else ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if LITE else ''}{statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize(("path", "index"), WALKS.items(), ids=WALKS)
def test_a_list_is_read_in_the_order_of_an_index(owner, path, index):
    plan = plan_of(listed(owner, path))

    assert re.search(rf"\b{index}\b", plan), plan
    # What is left to sort has the same values already.
    assert not re.search(r"TEMP B-TREE FOR ORDER BY|(?<!Incremental )Sort  \(", plan), plan


@pytest.mark.parametrize("entity", ["credential", "oauth_app"])
def test_those_of_a_cause_are_found_by_what_it_is_of(owner, organization, entity):
    cause = Cause.objects.create(organization=organization, code="revoked", entity=entity)

    read = [each for each in statements(owner, f"/credentials/?cause={cause.pk}") if "U0" in each]

    assert read
    assert not [each for each in read if " OR " in each or "SCAN credentials_" in plan_of(each)]


def test_syncs_are_found_by_the_names_of_the_organizations_credentials(owner):
    """So a database that knows how many there are need not sort all of them."""
    found = listed(owner, "/syncs/?sort=credential")

    assert found.count('."organization_id" = ') == 2


def test_people_are_not_joined_to_links(owner):
    """SQLite would go through the few people for each link, and sort the links of all."""
    assert "access_user" not in listed(owner, "/connect-links/?q=one")


@pytest.mark.skipif(not LITE, reason="PostgreSQL has an index of the texts.")
def test_the_texts_are_read_once_to_find_what_ends(owner):
    read = [each for each in statements(owner, "/expiry/?q=one") if "searchtext" in each]

    assert len(read) == 1


def test_the_states_of_what_a_search_finds_are_counted_up_to_what_pages_show(
    owner, organization, monkeypatch
):
    links.create(organization, [kinds.get("stripe_key")], actor=None, name="Two")
    monkeypatch.setattr(connect_links, "MAX_ROWS", 1)

    page = owner.get("/connect-links/?q=o&state=created").content.decode()

    assert "Newest 1" in " ".join(page.split())


@pytest.mark.postgresql
def test_what_ends_is_found_by_the_index_of_the_texts(owner):
    """Else each connect link and each account that ends would be read to find one."""
    reads = [each for each in statements(owner, "/expiry/?q=one") if "expires_at" in each]

    assert len(reads) == 2
    for table in ("credentials_searchtext", "connect_connectlinktext"):
        assert all(f'search_trigrams("{table}"."text"' in each for each in reads), table


@pytest.mark.postgresql
@pytest.mark.parametrize("text", ["", "ab", "abc", "aaaa", "añ€😀x ab\nañ€", "spice " * 300])
def test_the_function_of_the_index_makes_the_trigrams_of_a_search(text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT search_trigrams(%s)", [text])
        [made] = cursor.fetchone()

    assert sorted(set(made)) == trigrams(text)


@pytest.mark.postgresql
def test_trigrams_are_made_only_of_rows_that_hold_the_word():
    found = str(Credential.objects.filter(search__text__has_word="stripe").query)

    assert found.index("LIKE") < found.index("search_trigrams(")
