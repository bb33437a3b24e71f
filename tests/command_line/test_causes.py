"""Causes from a terminal."""

from datetime import timedelta

from sequin_admin.core import clock
from sequin_admin.health.models import Cause


def test_a_cause_is_listed_taken_muted_and_written_about(run, organization, user):
    cause = Cause.objects.create(
        organization=organization,
        provider="hubspot",
        code="invalid_grant",
        status="customer_intervention",
        entity="credential",
        name="Caladan",
        message="HubSpot revoked it.",
        open_incidents=600,
        total_incidents=600,
    )
    one = str(cause.pk)

    assert "HubSpot refuses 600 accounts" in run("causes", "list").out
    assert run("causes", "take", one, "--owner", str(user), "--json").json["owner"] == str(user)
    assert "until it ends" in run("causes", "mute", one).out
    until = clock.now() + timedelta(days=3)
    muted = run("causes", "mute", one, "--until", until.isoformat(), "--json").json
    assert muted["muted_until"][:19] == until.isoformat()[:19]
    late = run("causes", "mute", one, "--until", "2020-01-01T00:00:00Z")
    assert late.code != 0
    assert "Choose a time from now until" in late.err
    assert run("causes", "note", one, "Ticket 4711.").code == 0
    assert "Ticket 4711." in run("causes", "show", one).out
    assert run("causes", "unmute", one, "--json").json["muted"] is False
    assert run("causes", "release", one, "--json").json["owner"] is None
    assert run("causes", "take", one).code != 0
