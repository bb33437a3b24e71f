"""The page of the audit log: by day, actor, action and object, in words."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sequin_admin.access.models import User
from sequin_admin.audit.models import Event
from sequin_admin.connect import links
from sequin_admin.core import clock
from sequin_admin.credentials import kinds
from sequin_admin.dashboard.event_words import describe_details
from sequin_admin.syncs import streams

RATE = {"allowed_requests": 20, "interval": 1000, "max_concurrent_requests": 0}
# In Berlin, the clocks went back on this day: it had 25 hours.
LONG_DAY = datetime(2026, 10, 25, 12, tzinfo=UTC)


@pytest.fixture
def events_at(organization):
    """Writes an event at each of the times, named by its hour."""

    def write(*times: datetime) -> None:
        for at in times:
            Event.objects.create(
                organization_id=organization.pk, at=at, action="test.done", target=f"{at:%d-%H%M}"
            )

    return write


def shown(client, **query) -> list[str]:
    page = client.get("/audit/", query).context["page"]
    return [event.target for event in page]


def test_yesterday_is_a_day_of_the_viewer(owner, events_at, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 10, 26, 9, tzinfo=UTC))
    hours = ((24, 21, 59), (24, 22, 0), (25, 22, 59), (25, 23, 0))
    events_at(*(datetime(2026, 10, d, h, m, tzinfo=UTC) for d, h, m in hours))

    assert shown(owner, when="yesterday") == ["25-2300", "25-2259"]
    User.objects.update(time_zone="Europe/Berlin")
    assert shown(owner, when="yesterday") == ["25-2259", "24-2200"]


def test_both_days_of_a_range_are_included(owner, events_at):
    events_at(*(datetime(2026, 10, day, hour, tzinfo=UTC) for day in (1, 2, 3) for hour in (0, 23)))

    assert shown(owner, first="2026-10-02", last="2026-10-02") == ["02-2300", "02-0000"]
    assert len(shown(owner, first="2026-10-02")) == 4
    assert len(shown(owner, last="2026-10-02")) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": "02.10.2026"},
        {"last": "9999-12-31"},
        {"first": "0001-01-01"},
        {"when": "whenever"},
        {"first": "2026-10-02", "last": "2026-10-01"},
    ],
)
def test_a_wrong_period_shows_no_event_but_what_is_wrong(owner, events_at, wrong):
    events_at(LONG_DAY)

    answer = owner.get("/audit/", wrong)

    assert not answer.context["page"].object_list
    assert 'role="alert"' in answer.content.decode()
    assert "No event matches" not in answer.content.decode()


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        (
            {"before": RATE, "after": {**RATE, "allowed_requests": 50}},
            ["50 per second, was 20 per second"],
        ),
        (
            {"before": RATE, "after": {**RATE, "max_concurrent_requests": 3}},
            ["at most 3 at once, was any number"],
        ),
        ({"before": "viewer", "after": "owner"}, ["owner, was viewer"]),
        ({"before": "prod_eu"}, ["Was prod_eu"]),
        (
            {"kind": "stripe_key", "changed": ["name", "oauth_app"]},
            ["Changed: name, OAuth app", "Kind: Stripe API key"],
        ),
        (
            {
                "before": {"is_staff": False, "groups": []},
                "after": {"is_staff": True, "groups": []},
            },
            ["Is staff: yes, was no"],
        ),
        (
            {"former_until": "2026-10-25T12:00:00+00:00", "reason": ""},
            ["Former until: 25 Oct 2026, 12:00:00 UTC", "Reason: nothing"],
        ),
        ({"until": "2026-10-25T12:00:00+00:00"}, ["Until: 25 Oct 2026, 12:00:00 UTC"]),
        ({"until": None}, ["Until: it ends"]),
        ({"kinds": ["stripe_key"]}, ["Kinds: Stripe API key"]),
        ({"kind": "gone_kind", "count": 1200}, ["Kind: gone_kind", "Count: 1,200"]),
    ],
)
def test_details_are_told_in_words(details, lines):
    assert describe_details(details) == lines


def test_an_object_leads_to_its_page_until_it_is_deleted(owner, organization, user):
    stream = streams.create(organization, actor=user, slug="prod")
    query = {"id": str(stream.pk)}
    link = f'href="/streams/{stream.pk}/"'

    assert link in owner.get("/audit/", query).content.decode()
    streams.delete(stream, actor=user)
    assert link not in owner.get("/audit/", query).content.decode()


def test_the_log_is_downloaded_as_it_is_narrowed(owner, organization, events_at):
    events_at(LONG_DAY)
    changed = {"before": RATE, "after": {**RATE, "allowed_requests": 50}}
    Event.objects.create(
        organization_id=organization.pk, action="rate_limit.changed", target="=1+1", details=changed
    )

    answer = owner.get("/audit/", {"format": "csv", "action": "rate_limit.changed"})

    lines = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(line["target"], line["changes"]) for line in lines] == [
        ("'=1+1", "50 per second, was 20 per second")
    ]


def test_everybody_reads_times_in_a_zone_of_their_own(client, user, viewer, events_at):
    events_at(LONG_DAY)
    client.force_login(viewer)

    wrong = client.post("/accounts/time-zone/", {"time_zone": "Arrakis/Arrakeen"})
    saved = client.post("/accounts/time-zone/", {"time_zone": "Asia/Tokyo"})

    assert (wrong.status_code, saved.status_code) == (422, 302)
    assert "25 Oct 2026, 21:00:00 JST" in client.get("/audit/").content.decode()
    client.force_login(user)
    assert "25 Oct 2026, 12:00:00 UTC" in client.get("/audit/").content.decode()


def test_the_pickers_are_read_for_the_page_and_not_for_its_table(owner, events_at):
    events_at(LONG_DAY)

    with CaptureQueriesContext(connection) as page:
        owner.get("/audit/")
    with CaptureQueriesContext(connection) as table:
        owner.get("/audit/", headers={"HX-Request": "true"})

    assert len(table) == len(page) - 1


def test_a_time_called_utc_is_utc_in_every_zone(owner, organization, user):
    link = links.create(organization, [kinds.get("stripe_key")], actor=user)
    User.objects.update(time_zone="Asia/Tokyo")

    page = owner.get(f"/connect-links/{link.pk}/").content.decode()

    assert f"{link.expires_at:%-d %B %Y, %H:%M} UTC" in page
