"""/v1/events"""

import pytest

from sequin_admin.access.models import Scope
from sequin_admin.audit.models import Event, record_change
from tests.factories import make_credential

URL = "/v1/events"


@pytest.fixture
def credential(organization):
    return make_credential(organization, "stripe_key", name="Spice")


@pytest.fixture
def note(credential, user):
    def note(action="credential.verified", **changes):
        columns = {"actor": user, "target": credential, **changes}
        return record_change(action=action, **columns)

    return note


def found(api, **filters):
    answer = api.get(URL, **filters)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["data"]]


def test_it_is_told_who_did_what_to_what(api, note, user, credential):
    event = note("credential.revealed", secrets=["secret"])

    shown = api.get(f"{URL}/{event.pk}").json()

    assert (shown["actor"], shown["actor_type"]) == (str(user), "user")
    assert shown["actor_id"] == str(user.pk)
    assert (shown["target"], shown["target_id"]) == ("Spice", str(credential.pk))
    assert shown["details"] == {"secrets": ["secret"]}
    assert shown["at"].endswith("Z")
    assert api.get(URL, target_id=credential.pk).json()["data"] == [shown]


def test_what_is_done_by_api_names_the_key(api, credential):
    api.patch(f"/v1/credentials/{credential.pk}", {"name": "Melange"})

    (event,) = api.get(URL, action="credential.changed").json()["data"]

    assert event["actor_type"] == "apikey"
    assert event["details"]["changed"] == ["name"]


def test_pages_hold_every_event_once(api, note):
    made = [note().pk for _ in range(5)]

    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get(URL, limit=2, cursor=cursor, action="credential.verified").json()
        seen += [row["id"] for row in answer["data"]]
        cursor = answer["next_cursor"]

    assert seen == made[::-1]


def test_events_are_filtered(api, note, user, organization):
    by_user, by_us = note(), note("credential.disabled", actor=None)
    elsewhere = note("organization.renamed", target=organization)

    assert found(api, actor_id=user.pk) == [elsewhere.pk, by_user.pk]
    assert found(api, action="credential.disabled") == [by_us.pk]
    assert found(api, target_type="organization") == [elsewhere.pk]


def test_a_span_begins_with_its_start_and_ends_before_its_end(api, credential, at):
    events = []
    for minutes in range(3):
        columns = {"at": at(minutes=minutes), "action": "a.b", "target_id": credential.pk}
        events.append(Event.objects.create(organization_id=credential.organization_id, **columns))

    first, last = (event.at.isoformat() for event in (events[0], events[2]))

    assert found(api, since=first, until=last) == [events[1].pk, events[0].pk]


@pytest.mark.parametrize(
    ("name", "value"),
    [("cursor", "spice"), ("cursor", "9" * 40), ("since", "yesterday"), ("actor", "paul")],
)
def test_bad_parameters_are_named(api, name, value):
    answer = api.get(URL, **{name: value})

    assert answer.status_code == 422
    assert list(answer.json()["validation_errors"]) == [name]


def test_nothing_can_be_added_changed_or_deleted(api, note):
    one = f"{URL}/{note().pk}"

    assert api.post(URL, {}).status_code == 405
    assert {api.patch(one, {}).status_code, api.delete(one).status_code} == {405}


@pytest.mark.parametrize("pk", [0, -1, 10**30, "spice"])
def test_what_is_not_there_is_not_found(api, pk):
    assert api.get(f"{URL}/{pk}").status_code == 404


def test_events_of_others_do_not_exist(make_client, stranger, note):
    event, theirs = note(), make_client(stranger.organizations.get())

    assert theirs.get(f"{URL}/{event.pk}").status_code == 404
    assert event.pk not in found(theirs)


def test_reading_takes_the_scope_read(make_client, organization):
    assert make_client(organization, Scope.WRITE).get(URL).status_code == 403
