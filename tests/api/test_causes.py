"""/v1/causes: what is one fault, who is on it, and who hears of it."""

from datetime import UTC, datetime, timedelta

import pytest

from sequin_admin.audit.models import Event
from sequin_admin.core import clock
from sequin_admin.credentials import outcomes
from sequin_admin.credentials.models import Credential
from sequin_admin.health import probes, rollup
from sequin_admin.health.models import Cause
from tests.factories import make_credential, make_oauth_app

URL = "/v1/causes"
REVOKED = outcomes.customer("invalid_grant", "HubSpot revoked it.", "Connect again.")


@pytest.fixture
def cause(organization):
    app = make_oauth_app(organization, "hubspot")
    for number in range(3):
        row = make_credential(
            organization, "hubspot_oauth2", oauth_app=app, identity=str(number), name="Caladan"
        )
        found = Credential.objects.select_related("oauth_app").get(pk=row.pk)
        rollup.propagate(probes.record_probe(found, REVOKED))
    return Cause.objects.get()


def test_a_cause_says_what_happened_to_how_many(api, cause):
    [row] = api.get(f"{URL}?state=open&search=who:customers+provider:hubspot").json()["data"]

    assert row["title"] == "HubSpot refuses 3 accounts"
    assert (row["status"], row["open_incidents"], row["owner"], row["muted"]) == (
        *("customer_intervention", 3, None, False),
    )
    incidents = api.get(f"/v1/incidents?cause_id={row['id']}").json()["data"]
    assert {incident["cause_id"] for incident in incidents} == {row["id"]}
    assert len(incidents) == 3
    assert api.get(f"{URL}?state=resolved").json()["data"] == []


def test_it_is_taken_muted_and_written_about(api, cause, user):
    one, until = f"{URL}/{cause.pk}", clock.now() + timedelta(hours=1)
    taken = api.call("POST", f"{one}/take", {"owner": "PAUL@arrakis.test"}).json()
    muted = api.call("POST", f"{one}/mute", {"until": until.isoformat()}).json()
    noted = api.call("POST", f"{one}/notes", {"text": "Ticket 4711."})

    assert taken["owner"] == "paul@arrakis.test"
    assert (muted["muted"], muted["muted_until"][:16]) == (True, until.isoformat()[:16])
    assert noted.status_code == 201
    assert [note["text"] for note in api.get(one).json()["notes"]] == ["Ticket 4711."]
    assert api.call("POST", f"{one}/release", {}).json()["owner"] is None
    assert api.call("POST", f"{one}/unmute", {}).json()["muted"] is False
    actions = Event.objects.about(cause).values_list("action", flat=True)
    assert list(actions) == [
        *("cause.unmuted", "cause.released", "cause.noted", "cause.muted", "cause.taken"),
    ]


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        ("2027-03-04T03:15:00Z", "Choose a time from now until 2 Jun, 03:15 UTC."),
        ("2027-06-02T03:15:01Z", "Choose a time from now until 2 Jun, 03:15 UTC."),
        *((text, "") for text in ("2027-03-05T08:00:00", "tomorrow", "8", 8)),
    ],
)
def test_a_wrong_time_mutes_nothing(api, cause, until, sentence):
    with clock.at(datetime(2027, 3, 4, 3, 15, tzinfo=UTC)):
        answer = api.call("POST", f"{URL}/{cause.pk}/mute", {"until": until})

    assert answer.status_code == 422
    [said] = answer.json()["validation_errors"]["until"]
    assert sentence in said
    assert not api.get(f"{URL}/{cause.pk}").json()["muted"]


def test_what_can_not_be_done_is_said(api, cause):
    one = f"{URL}/{cause.pk}"
    stranger = api.call("POST", f"{one}/take", {"owner": "feyd@harkonnen.test"})
    Credential.objects.all().delete()
    over = api.call("POST", f"{one}/mute", {})

    assert (stranger.status_code, over.status_code) == (409, 409)
    assert "It is over" in over.json()["summary"]
