"""Fire drills: each breaks what it says, for as long as it says."""

import pytest

from tests.simulator.customer import Customer

HUBSPOT, DETAILS = "21902692", "https://api.hubapi.com/account-info/2026-03/details"
BASES = "https://api.airtable.com/v0/meta/bases/appArrakis0000001/tables"


@pytest.fixture
def him(simulator):
    simulator.stop_clock()
    return Customer(simulator, "hubspot")


def call(simulator, **drill):
    answer = simulator.http.post(f"{simulator.url}/control-api/drills", json=drill)
    return answer.raise_for_status().json()["id"]


@pytest.mark.parametrize(("name", "status"), [("outage", 503), ("throttle_storm", 429)])
def test_a_provider_breaks_for_as_long_as_it_was_said(simulator, him, name, status):
    token = him.connect()["access_token"]
    call(simulator, provider="hubspot", name=name, in_s=60, for_s=600)

    seen = [him.call(DETAILS, token).status_code]
    for later_s in (60, 599, 1):
        simulator.clock(later_s)
        seen.append(him.call(DETAILS, token).status_code)

    assert seen == [200, status, status, 200]


def test_a_drill_has_its_turns_until_it_is_ended(simulator, him):
    drill = call(simulator, provider="hubspot", name="outage", for_s=60, every_s=600)

    seen = []
    for later_s in (0, 60, 540, 0):
        simulator.clock(later_s)
        seen.append(him.refresh("x").status_code)
    simulator.post(f"drills/{drill}/end")

    assert seen == [503, 400, 503, 503]
    assert him.refresh("x").status_code == 400
    simulator.clock(600)
    assert him.refresh("x").status_code == 400
    assert simulator.http.get(f"{simulator.url}/control-api/drills").json()["data"] == []


def test_half_of_the_accounts_revoke_our_access(simulator, him):
    other = Customer(simulator, "hubspot")
    other.account = "33011844"
    tokens = [who.connect()["access_token"] for who in (him, other)]

    call(simulator, provider="hubspot", name="revoke_half", in_s=60)
    simulator.clock(60)

    assert sorted(him.call(DETAILS, token).status_code for token in tokens) == [200, 401]
    assert him.connect()["access_token"], "who consents again is back"


def test_our_secret_is_rotated(simulator, him):
    call(simulator, provider="hubspot", name="rotate_secret")

    assert him.refresh("x").json()["status"] != "BAD_REFRESH_TOKEN"
    again = Customer(simulator, "hubspot")
    assert again.app["client_secret"] != him.app["client_secret"]
    assert again.refresh("x").json()["status"] == "BAD_REFRESH_TOKEN"


def test_the_token_endpoint_is_slow_and_right(simulator, him, monkeypatch):
    call(simulator, provider="hubspot", name="slow_tokens")
    started = simulator.http.timeout

    with monkeypatch.context() as impatient:
        impatient.setattr(simulator.http, "timeout", 1)
        with pytest.raises(Exception, match="timed out"):
            him.refresh("x")
    simulator.http.timeout = started


@pytest.mark.parametrize("name", ["new_field", "field_type"])
def test_rows_and_their_schema_change_while_a_field_does(simulator, name):
    him = Customer(simulator, "airtable")
    token = him.connect(scope="data.records:read schema.bases:read")["access_token"]
    simulator.stop_clock()

    def look():
        simulator.clock(1)
        fields = him.call(BASES, token).json()["tables"][0]["fields"]
        path = BASES.replace("/meta/bases", "").replace("/tables", "/Spice?pageSize=1")
        record = him.call(path, token).json()["records"][0]
        return {f["name"]: f["type"] for f in fields}, record["fields"]

    before = look()
    drill = call(simulator, provider="airtable", name=name)
    types, row = look()
    simulator.post(f"drills/{drill}/end")

    assert look() == before
    if name == "new_field":
        assert types == {**before[0], "loyalty_tier": "singleLineText"}
        assert row == {**before[1], "loyalty_tier": "gold"}
    else:
        assert types == {**before[0], "Amount": "singleLineText"}
        assert row == {**before[1], "Amount": str(before[1]["Amount"])}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"provider": "nobody", "name": "outage"}, "stripe"),
        ({"provider": "stripe", "name": "flood"}, "no drill 'flood'"),
        ({"provider": "stripe", "name": "outage", "for_s": "x"}, "seconds"),
        ({"provider": "stripe", "name": "outage", "for_s": 0}, "seconds"),
        ({"provider": "stripe", "name": "outage", "every_s": 1}, "shorter"),
        ({"provider": "sendgrid", "name": "new_field"}, "fixed"),
        ({"provider": "sendgrid", "name": "rotate_secret"}, "no app"),
    ],
)
def test_a_drill_that_cannot_be_is_refused_in_a_sentence(simulator, body, word):
    answer = simulator.http.post(f"{simulator.url}/control-api/drills", json=body)

    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_the_page_calls_and_ends_drills(simulator):
    page = f"{simulator.url}/drills/"
    asked = {"provider": "github", "name": "outage", "in": "5", "for": "10", "every": ""}

    simulator.http.post(page, data=asked)

    shown = simulator.http.get(page).text
    assert "GitHub: The provider is down" in shown
    simulator.http.post(page, data={"end": shown.split('name="end" value="')[1].split('"')[0]})
    assert "No drill is on or to come" in simulator.http.get(page).text
    for wrong in ({**asked, "for": "x"}, {**asked, "name": "flood"}, {"end": "77"}):
        assert simulator.http.post(page, data=wrong).status_code == 400
