"""CSV of lists: who takes one away is audited, and the worker makes large ones."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from sequin_admin.access import endings, exports
from sequin_admin.access.models import ExportPart, ListExport, Membership
from sequin_admin.audit.models import Event
from sequin_admin.dashboard.csv_export import AT_ONCE
from sequin_admin.dashboard.views.exports import CSV_LISTS
from sequin_admin.syncs.models import Stream
from tests.conftest import make_member

NEW = "/exports/new/streams/?q=str&sort=-slug"


@pytest.fixture
def many(organization):
    rows = [Stream(organization=organization, slug=f"str{n:05}") for n in range(AT_ONCE + 1)]
    Stream.objects.bulk_create([*rows, Stream(organization=organization, slug="other")])


def work():
    (claimed,) = exports.claim_due(9)
    exports.work_claimed(claimed)


def download(client):
    return client.get(reverse("dashboard:export", args=[ListExport.objects.get().pk]))


@pytest.mark.parametrize("listed", CSV_LISTS)
def test_who_takes_a_list_away_is_audited(owner, user, listed):
    answer = owner.get(reverse(f"dashboard:{listed}"), {"q": "x", "format": "csv", "page": "2"})

    assert answer["Content-Disposition"] == f'attachment; filename="{listed.replace("_", "-")}.csv"'
    (event,) = Event.objects.filter(action="list.exported")
    assert event.actor == user.email
    assert event.address == "127.0.0.1"
    assert event.details == {"list": listed, "query": "q=x", "rows": 0}


def test_the_worker_makes_a_large_one_for_whoever_asked(owner, user, organization, client, many):
    asked = owner.get("/streams/?q=str&sort=-slug&format=csv&page=3")
    assert (asked.status_code, asked.url) == (302, NEW)
    assert "5,001 rows" in owner.get(NEW).content.decode()
    for _ in range(2):  # a double click makes one file
        owner.post(NEW)
    assert download(owner).status_code == 404

    # What a worker has left that was killed.
    of = {"organization": organization, "export": ListExport.objects.get()}
    ExportPart.objects.create(**of, number=1, secrets={"text": "old"})
    work()

    lines = download(owner).getvalue().decode().splitlines()
    assert [line.split(",")[1] for line in lines[:2]] == ["slug", f"str{AT_ONCE:05}"]
    assert len(lines) == AT_ONCE + 2
    assert Event.objects.get(action="list.exported").details["rows"] == AT_ONCE + 1
    done = Event.objects.get(action="list_export.downloaded")
    assert (done.actor, done.address) == (user.email, "127.0.0.1")
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM access_exportpart")
        assert not any("str00001" in text for (text,) in cursor.fetchall())
    client.force_login(make_member(organization, "jessica@arrakis.test", "owner"))
    assert download(client).status_code == 404
    assert "streams.csv" not in client.get("/exports/").content.decode()


def test_a_file_is_deleted_after_a_day(owner, many):
    owner.post(NEW)
    work()
    assert exports.prune() == 0
    ListExport.objects.update(created_at=ListExport.objects.get().created_at - timedelta(days=1))

    assert download(owner).status_code == 404
    assert exports.prune() == 1
    assert not ExportPart.objects.exists()


def test_nobody_fills_the_disk(owner, user, organization):
    for number in range(exports.MOST_FILES):
        exports.start(organization, actor=user, listed="streams", query=f"q={number}", count=1)

    said = owner.post("/exports/new/streams/?q=more", follow=True).content.decode()

    assert "You have 20 files already" in said
    assert ListExport.objects.count() == exports.MOST_FILES


def test_lists_are_taken_away_from_an_organization_that_ends(owner, many, organization):
    endings.ask(organization, actor=None)
    owner.post(NEW)

    work()

    assert download(owner).status_code == 200


def test_nobody_gets_a_list_who_left_meanwhile(owner, user, organization):
    exports.start(organization, actor=user, listed="streams", query="", count=1)
    Membership.objects.filter(user=user).delete()

    work()

    assert "may no longer" in ListExport.objects.get().failure
    assert not ExportPart.objects.exists()
