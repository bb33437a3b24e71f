"""Muting a cause until a time, and what is wrong about a form of it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.health import cause_verbs
from sequin_admin.health.models import Cause
from tests.dashboard.test_causes import cause, fleet, see, text

__all__ = ["cause", "fleet"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_it_is_muted_until_a_time_of_the_viewers_zone(owner, user, cause, zone):
    user.time_zone = zone
    user.save()
    with clock.at(datetime(2027, 3, 4, 3, 15, tzinfo=UTC)):
        asked = text(owner, f"/causes/{cause.pk}/mute/")
        owner.post(f"/causes/{cause.pk}/mute/", {"until_0": "other", "until_1": "2027-03-06T18:30"})
        cause.refresh_from_db()
        front = re.sub(r"\s+", " ", text(owner, f"/causes/{cause.pk}/"))

    assert f"A time is in your time zone, {zone}." in asked
    assert 'value="2027-03-05T08:00"' in asked
    assert cause.muted_until == datetime(2027, 3, 6, 18, 30, tzinfo=ZoneInfo(zone))
    assert "6 Mar, 18:30" in front


@pytest.mark.parametrize(
    ("chosen", "time", "sentence"),
    [
        ("other", "2027-03-04T12:14", "Choose a time from now until 2 Jun, 12:15 JST."),
        ("other", "2027-06-02T12:16", "Choose a time from now until 2 Jun, 12:15 JST."),
        *(("other", time, "Write a time as 2026-11-29 18:30.") for time in ("", "soon", "25:00")),
        *((period, "2027-03-06T18:30", "Choose one of the list.") for period in ("", "9", "x")),
    ],
)
def test_a_wrong_time_mutes_nothing_and_loses_nothing(owner, user, cause, chosen, time, sentence):
    user.time_zone = "Asia/Tokyo"
    user.save()
    with clock.at(datetime(2027, 3, 4, 3, 15, tzinfo=UTC)):
        answer = owner.post(f"/causes/{cause.pk}/mute/", {"until_0": chosen, "until_1": time})

    page = re.sub(r"\s+", " ", answer.content.decode())
    assert answer.status_code == 422
    assert sentence in page
    assert not time or f'value="{time}"' in page
    assert ('value="other" selected' in page) is (chosen == "other")
    assert not Cause.objects.exclude(muted_at=None).exists()


@pytest.mark.parametrize(
    ("until", "hours"),
    [("end", None), ("8", 8), ("2027-03-04 06:15", 3), ("2027-03-04T06:15+01:00", 2)],
)
def test_a_script_sends_one_value(owner, cause, until, hours):
    now = datetime(2027, 3, 4, 3, 15, tzinfo=UTC)
    with clock.at(now):
        owner.post(f"/causes/{cause.pk}/mute/", {"until": until})

    muted = Cause.objects.exclude(muted_at=None).get()
    assert muted.muted_until == (hours and now + timedelta(hours=hours))


@pytest.mark.parametrize("sent", [{}, {"until_0": "other"}])
def test_half_of_it_mutes_nothing(owner, cause, sent):
    assert owner.post(f"/causes/{cause.pk}/mute/", sent).status_code == 422
    assert not Cause.objects.exclude(muted_at=None).exists()


def test_what_is_over_meanwhile_is_not_muted(owner, cause, fleet):
    see(fleet, outcomes.works())

    answer = owner.post(f"/causes/{cause.pk}/mute/", {"until": "end"}, follow=True)

    assert "It is over, so it can&#x27;t be muted." in answer.content.decode()


def test_a_note_too_many_is_not_lost(owner, cause, monkeypatch):
    monkeypatch.setattr(cause_verbs, "NOTES", 0)

    answer = owner.post(f"/causes/{cause.pk}/notes/", {"text": "Ticket 4711"})

    assert answer.status_code == 422
    assert "It has 0 notes, which is as many" in answer.content.decode()
    assert "Ticket 4711</textarea>" in answer.content.decode()
