"""A list says by its page's poll how many rows came since."""

import pytest

from sequin_admin.connect import links
from sequin_admin.credentials import kinds
from sequin_admin.health import causes
from sequin_admin.health.models import Incident, subject_columns
from sequin_admin.syncs import syncs
from tests.dashboard.test_live import poll
from tests.factories import make_credential


def add_credential(organization, name):
    make_credential(organization, "stripe_key", name=name, identity=name)


def add_sync(organization, name):
    row = organization.credentials.order_by("created_at").first()
    syncs.create(row or make_credential(organization, "stripe_key"), actor=None, name=name)


def add_link(organization, name):
    links.create(organization, [kinds.get("stripe_key")], actor=None, name=name)


def add_cause(organization, name):
    row = make_credential(organization, "stripe_key", name=name, identity=name)
    Incident.objects.create(
        **subject_columns(row), status="customer_intervention", code=name, message=name
    )
    causes.group_orphans()


LATE = "9999-12-31T23:59:59-14:00?"
ADD = {
    "credentials": add_credential,
    "syncs": add_sync,
    "connect-links": add_link,
    "incidents": add_cause,
}


def read_new(client, page):
    return " ".join(poll(client, page).content.decode().split())


@pytest.mark.parametrize("name", ADD)
def test_a_list_says_how_many_rows_are_new(
    owner, organization, name, django_assert_max_num_queries
):
    add, path = ADD[name], f"/{name}/"
    add(organization, "Spice")
    page = owner.get(path, {"q": "spice", "page": "1"}).content.decode()
    with django_assert_max_num_queries(7):
        assert "new: show" not in read_new(owner, page)

    add(organization, "Spice two")
    add(organization, "Spice three")
    add(organization, "Sand")

    with django_assert_max_num_queries(10):
        html = read_new(owner, page)
    assert 'href="?q=spice"' in html
    assert "2 new: show" in html
    assert "new: show" not in read_new(owner, owner.get(path).content.decode())


def test_what_others_make_is_not_counted(owner, organization, stranger):
    add_credential(organization, "Spice")
    page = owner.get("/credentials/").content.decode()

    add_credential(stranger.organizations.get(), "Harkonnen")

    assert "new: show" not in read_new(owner, page)


@pytest.mark.parametrize(
    "key",
    ["", "?", "now?q=x", "2026-11-30T12:00:00?q=x", "\x00?", "0001-01-01T00:00:00+14:00?", LATE],
)
def test_a_time_that_is_none_counts_nothing(owner, organization, key):
    assert owner.get("/badges/", {"new_credentials": key}).status_code == 286
