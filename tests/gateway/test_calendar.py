"""The calendar of what will end: RFC 5545, who may read it, and what stands in it."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import structlog
from django.db.models import Q

from sequin_admin.access import calendar_feeds, invitations, members
from sequin_admin.access.models import CalendarFeed, Membership
from sequin_admin.audit.models import Event
from sequin_admin.core import clock, logs
from sequin_admin.credentials import kinds
from sequin_admin.credentials.kinds import ProviderChange
from sequin_admin.gateway import calendar, icalendar
from sequin_admin.gateway.icalendar import CalendarEvent, write_calendar
from sequin_admin.gunicorn_config import MaskingLogger
from tests.conftest import make_member
from tests.factories import make_credential, make_oauth_app

DAY = timedelta(days=1)
AWKWARD = "Ünïcode 🪐, semi;colon \\ back\nnew line\x07" + "é" * 90


@pytest.fixture(autouse=True)
def _stopped(monkeypatch):
    """No minute and no day begins in the middle of a test."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture
def member(organization):
    user = make_member(organization, "chani@arrakis.test", "member")
    return Membership.objects.get(user=user)


@pytest.fixture
def path(member):
    _, token = calendar_feeds.make_feed(member, actor=member.user)
    return f"/calendar/{token}.ics"


def unfold(text):
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    lines = text.split("\r\n")
    assert max(len(line.encode()) for line in lines) <= 75
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def values_of(lines, name):
    return [line.partition(":")[2] for line in lines if re.match(rf"{name}[:;]", line)]


def test_it_is_written_as_the_rfc_says():
    at, stamp = datetime(2026, 12, 3, 10, 15, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC)
    events = [
        CalendarEvent("one@a.test", at, AWKWARD, "Do it.", "https://a.test/expiry/?what=x"),
        CalendarEvent("two@a.test", at.date(), "All day", "", "https://a.test/"),
    ]

    lines = unfold(write_calendar("Arrakis, Inc.", events, stamp))

    assert lines[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert lines[-1] == "END:VCALENDAR"
    assert values_of(lines, "UID") == ["one@a.test", "two@a.test"]
    assert values_of(lines, "DTSTAMP") == ["20261129T000000Z"] * 2
    assert "DTSTART:20261203T101500Z" in lines
    assert "DTSTART;VALUE=DATE:20261203" in lines
    assert "DTEND;VALUE=DATE:20261204" in lines
    summary = "Ünïcode 🪐\\, semi\\;colon \\\\ back\\nnew line" + "é" * 90
    assert values_of(lines, "SUMMARY")[0] == summary
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2


def test_no_character_is_cut_in_two():
    for shift in range(4):
        folded = list(icalendar.fold("x" * (73 + shift) + "🪐" * 40))

        assert all(len(line.encode()) <= 75 for line in folded)
        joined = folded[0] + "".join(line[1:] for line in folded[1:])
        assert joined == "x" * (73 + shift) + "🪐" * 40


def test_it_has_what_ends_and_nothing_secret(client, organization, path):
    soon = clock.now() + 20 * DAY
    make_credential(
        organization,
        "servicenow_oauth2",
        name="Giedi Prime",
        marker="canary",
        metadata={"plan": "hush"},
        properties={"refresh_token_expires_at": soon.strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    make_oauth_app(organization, "hubspot", name="Main app", secret_ends_at=soon)
    make_credential(organization, "netsuite_tba", name="No day is known")
    make_oauth_app(organization, "linear", secret_ends_at=clock.now() + 200 * DAY, name="Later")

    answer = client.get(path)

    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    summaries = values_of(unfold(answer.content.decode()), "SUMMARY")
    assert summaries == [
        "Account access ends: Giedi Prime (ServiceNow)",
        "OAuth app's secret ends: Main app (HubSpot)",
    ]
    assert not re.search("canary|hush|plan|client-secret", answer.content.decode())


def test_an_invitation_is_in_it_without_its_address(client, organization, path):
    invitations.create(organization, "duncan@arrakis.test", "viewer", actor=None)

    text = client.get(path).content.decode()

    assert values_of(unfold(text), "SUMMARY") == ["Invitation ends"]
    assert "duncan" not in text


def test_many_of_one_day_are_one_event(client, organization, path, monkeypatch):
    noon = (clock.now() + 5 * DAY).replace(hour=12)
    for number in range(6):
        make_oauth_app(
            organization,
            "hubspot",
            name=f"app {number}",
            secret_ends_at=noon + timedelta(minutes=number),
        )

    lines = unfold(client.get(path).content.decode())

    assert values_of(lines, "SUMMARY") == ["6 end: OAuth app's secret (HubSpot)"]


def test_changes_at_providers_that_touch_us_are_in_it_from_today_on(
    client, organization, path, monkeypatch
):
    make_credential(organization, "stripe_key", name="Arrakis")
    changes = [
        ProviderChange(
            slug=f"test-{days}",
            on=(clock.now() + days * DAY).date(),
            title=f"Ends in {days} days",
            what="Keys end.",
            to_do="Make another.",
            source="A test",
            checked_on=date(2026, 11, 1),
            credentials=Q(name="Another" if days == 90 else "Arrakis"),
        )
        for days in (-1, 0, 90, 180, 181)
    ]
    monkeypatch.setattr(kinds.get("stripe_key"), "changes", tuple(changes))

    lines = unfold(client.get(path).content.decode())

    assert values_of(lines, "SUMMARY") == ["Ends in 0 days", "Ends in 180 days"]
    assert "It touches 1 credential here. Make another." in values_of(lines, "DESCRIPTION")[0]


def test_what_a_calendar_does_not_hold_is_said(client, organization, path, monkeypatch):
    monkeypatch.setattr(calendar, "MOST", 2)
    for days in (1, 2, 3):
        at = clock.now() + days * DAY
        make_oauth_app(organization, "hubspot", name=f"app {days}", secret_ends_at=at)

    summaries = values_of(unfold(client.get(path).content.decode()), "SUMMARY")

    assert summaries[2:] == ["More ends than a calendar holds"]


def test_it_is_sent_again_only_when_it_changes(client, organization, path):
    first = client.get(path)
    assert client.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get(path, headers={"If-None-Match": f"W/{first['ETag']}"}).status_code == 304

    make_oauth_app(organization, "hubspot", secret_ends_at=clock.now() + DAY)

    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again["ETag"] == first["ETag"]) == (200, False)
    feed = CalendarFeed.objects.get()
    assert feed.last_used_at is not None
    assert feed.digest not in path


def test_requests_are_limited(client, path):
    answers = [client.get(path).status_code for _ in range(21)]

    assert answers == [200] * 20 + [429]
    refused = client.get(path)
    assert 1 <= int(refused["Retry-After"]) <= 60


@pytest.mark.parametrize("ended", ["removed", "viewer", "deactivated", "revoked", "rotated"])
def test_it_is_gone_at_once(client, user, member, path, ended):
    assert client.get(path).status_code == 200
    etag = client.get(path)["ETag"]

    if ended == "removed":
        members.remove(member, actor=user)
    elif ended == "viewer":
        members.change_role(member, "viewer", actor=user)
    elif ended == "deactivated":
        member.user.is_active = False
        member.user.save()
    elif ended == "revoked":
        assert calendar_feeds.revoke_feed(member, actor=member.user)
    else:
        calendar_feeds.make_feed(member, actor=member.user)

    assert client.get(path, headers={"If-None-Match": etag}).status_code == 404


@pytest.mark.parametrize("token", ["unknown", "x" * 5000, "%00", "..", "é"])
def test_an_unknown_address_is_404(client, db, token):
    assert client.get(f"/calendar/{token}.ics").status_code == 404


def test_only_a_member_gets_one(organization, member):
    members.change_role(member, "viewer", actor=None)
    passing = Membership(organization=organization, user=member.user, role="owner")

    for each in (member, passing):
        with pytest.raises(calendar_feeds.FeedRefused):
            calendar_feeds.make_feed(each, actor=member.user)


def test_what_is_done_to_it_is_audited_without_the_token(organization, member, path):
    calendar_feeds.make_feed(member, actor=member.user)
    calendar_feeds.revoke_feed(member, actor=member.user)

    events = Event.objects.of(organization.pk).filter(target_type="calendarfeed").order_by("id")
    assert list(events.values_list("action", flat=True)) == [
        "calendar_feed.created",
        "calendar_feed.rotated",
        "calendar_feed.revoked",
    ]
    assert [event.details for event in events] == [{}] * 3


@pytest.mark.parametrize(
    "address",
    [
        "/calendar/hush.ics",
        "/link/connect/hush",
        "/link/oauth2/start/hush",
        "/accounts/invitation/hush/",
        "/badge/hush.svg",
        "https://admin.test/calendar/hush.ics?x=1",
    ],
)
def test_no_log_line_has_a_token_of_an_address(address):
    line = {"event": f"Too Many Requests: {address}", "path": address, "status": 429}
    for processor in logs.SHARED[-1:]:
        line = processor(None, "warning", line)

    assert "hush" not in str(line)
    assert line["status"] == 429
    assert structlog.get_config()["processors"][: len(logs.SHARED)] == logs.SHARED


def test_gunicorns_access_log_has_none_either(monkeypatch):
    atoms = {"r": "GET /calendar/hush.ics HTTP/1.1", "U": "/calendar/hush.ics", "s": 200}
    monkeypatch.setattr(MaskingLogger.__base__, "atoms", lambda *args: dict(atoms))

    shown = MaskingLogger.atoms(object.__new__(MaskingLogger), None, None, None, None)

    assert "hush" not in str(shown)
    assert shown["s"] == 200
