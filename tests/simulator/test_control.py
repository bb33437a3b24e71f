"""The control API, the clock, faults, and the simulator's own pages."""

import re
import shlex
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.patience import PATIENCE_S
from tests.simulator_server import CALLBACK_BASE, ROOT, Simulator, free_port

URL = "https://api.stripe.com/v1/account"
BEARER = {"Authorization": "Bearer sk_test_arrakis0000000000000001"}
STRIPE = ("stripe", "acct_1Arrakis0000001")


@pytest.fixture
def ask(simulator):
    return lambda: simulator.http.get(simulator.url_for(URL), headers=BEARER)


@pytest.mark.parametrize(("fault", "status"), [("outage", 503), ("html", 200), ("throttle", 429)])
def test_faults_come_when_asked_for_and_go_when_cleared(simulator, ask, fault, status):
    simulator.act(*STRIPE, fault)

    broken = ask()
    simulator.act(*STRIPE, "clear")

    assert broken.status_code == status
    assert "application/json" not in broken.headers["content-type"] or fault == "throttle"
    assert ask().json()["id"] == STRIPE[1]


def test_a_fault_may_last_for_a_number_of_calls(simulator, ask):
    simulator.act(*STRIPE, "outage", times=2)

    assert [ask().status_code for _ in range(3)] == [503, 503, 200]


def test_a_slow_answer_is_right_all_the_same(simulator, ask):
    simulator.act(*STRIPE, "slow", times=1)
    start = time.monotonic()

    answer = ask()

    assert time.monotonic() - start >= 3
    assert answer.json()["id"] == STRIPE[1]


def test_a_whole_provider_can_break(simulator, customer):
    him = customer("hubspot")
    simulator.fault("hubspot", "outage", times=1)

    assert him.refresh("x").status_code == 503
    assert him.refresh("x").status_code == 400


def test_a_provider_is_found_by_the_host_header_too(simulator):
    headers = {**BEARER, "Host": "api.stripe.com"}

    answer = simulator.http.get(f"{simulator.url}/v1/account", headers=headers)

    assert answer.json()["id"] == STRIPE[1]


def test_what_is_not_simulated_is_said(simulator):
    answer = simulator.http.get(f"{simulator.url}/api.stripe.com/v1/nothing")

    assert answer.status_code == 404
    assert "Not simulated" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("stripe/accounts/acct_1Arrakis0000001/explode", {}, "no action 'explode'"),
        ("stripe/accounts/acct_1Arrakis0000001/outage", {"times": 0}, "whole number"),
        ("stripe/faults", {"name": "meteor"}, "no fault 'meteor'"),
        ("sendgrid/app/change", {"client_secret": "x"}, "no app"),
        ("clock", {"advance_s": "soon"}, "number of seconds"),
        ("clock", {"advance_s": 1e300}, "100 years"),
        ("reset", {"at": "soon"}, "ISO 8601"),
        ("stripe/accounts/acct_1Arrakis0000001/heart", {"per_hour": "fast"}, "number of changes"),
        ("stripe/accounts/acct_1Arrakis0000001/heart", {"per_hour": 1e9}, "100,000"),
        ("stripe/accounts/acct_1Arrakis0000001/rows", {"count": -1}, "number of rows"),
        ("stripe/accounts/acct_1Arrakis0000001/rows", {"count": 1, "collection": "x"}, "customers"),
        ("sendgrid/accounts/arrakis/heart", {"per_hour": 1}, "fixed"),
    ],
)
def test_mistakes_are_told_in_a_sentence(simulator, path, body, word):
    answer = simulator.http.post(f"{simulator.url}/control-api/{path}", json=body)

    assert answer.status_code == 400
    assert word in answer.text


def test_the_state_tells_what_is_switched_on_and_no_secret(simulator, customer):
    customer("airtable").connect()
    simulator.act("airtable", "usrziLeD23j9AJ1", "drop_scope")
    simulator.act("airtable", "usrziLeD23j9AJ1", "throttle", times=3)

    state = simulator.state()

    paul = state["providers"]["airtable"]["accounts"]["usrziLeD23j9AJ1"]
    assert paul == {
        "name": "Paul Atreides",
        "state": ["drop_scope"],
        "grants": 1,
        "faults": {"throttle": 3},
    }
    assert "sk_test" not in str(state)
    assert simulator.app("airtable")["client_secret"] not in str(state)


def test_setting_the_clock_back_forgets_calls_yet_to_come(simulator, ask):
    simulator.clock(86_400)
    for _ in range(25):
        ask()

    simulator.clock(None)

    assert ask().status_code == 200


def test_every_switch_of_every_account_can_be_pressed(simulator):
    state = simulator.state()["providers"]
    pages = [
        f"{simulator.url}/control/{provider}/{account}/"
        for provider in ("airtable", "checkout_champ", "github", "hubspot", "stripe")
        for account in state[provider]["accounts"]
    ]

    for page in pages:
        shown = simulator.http.get(page).text
        actions = [part.split('"')[0] for part in shown.split('name="action" value="')[1:]]
        assert "clear" in actions
        for action in actions:
            answer = simulator.http.post(page, data={"action": action})
            assert answer.status_code == 302, action


def test_a_switch_is_pressed_again_to_end_it(simulator):
    page = f"{simulator.url}/control/hubspot/21902692/"
    for switch in ("drop_scope", "throttle"):
        simulator.http.post(page, data={"action": switch})

    before = simulator.http.get(page).text
    for switch in ("drop_scope", "throttle"):
        assert f'name="end" value="{switch}" aria-pressed="true"' in before
        simulator.http.post(page, data={"end": switch})

    assert 'aria-pressed="true"' not in simulator.http.get(page).text
    arrakis = simulator.state()["providers"]["hubspot"]["accounts"]["21902692"]
    assert (arrakis["state"], arrakis["faults"]) == ([], {})


def test_a_button_that_is_not_there_and_hours_that_are_no_number_are_refused(simulator):
    panel = f"{simulator.url}/control/stripe/{STRIPE[1]}/"

    assert simulator.http.post(panel, data={"action": "explode"}).status_code == 400
    assert simulator.http.post(f"{simulator.url}/clock/", data={"hours": "x"}).status_code == 400


def test_the_clock_page_advances_and_goes_back(simulator, ask):
    clock = f"{simulator.url}/clock/"

    simulator.http.post(clock, data={"hours": "2"})
    assert "2.0 hours ahead" in simulator.http.get(clock).text
    simulator.http.post(clock)
    assert "0.0 hours ahead" in simulator.http.get(clock).text


def test_the_developer_page_rotates_the_secret(simulator, customer):
    before = customer("stripe")

    simulator.http.post(f"{simulator.url}/developer/stripe/", data={"rotate": "1", "owner": ""})

    after = simulator.app("stripe")["client_secret"]
    assert before.refresh("x").json()["error"] == "invalid_client"
    assert after != before.app["client_secret"]
    assert after.startswith("sk_test_")
    simulator.change_app("stripe", client_secret=before.app["client_secret"])


def test_pages_say_that_they_are_not_the_real_thing(simulator, customer):
    consent = simulator.http.get(simulator.url_for(customer("hubspot").address())).text

    assert "This is not HubSpot" in consent
    assert "HubSpot simulator" in consent
    assert ">Allow</button>" in consent
    assert ">Deny</button>" in consent


def test_the_journal_keeps_the_last_10000_calls(simulator, ask):
    old = [("stripe", "", f"GET old/{number}", 200, "2026-01-01") for number in range(10_050)]
    path = Path(simulator.folder.name, "simulator.sqlite3")
    with closing(sqlite3.connect(path, timeout=PATIENCE_S)) as rows, rows:
        rows.executemany(
            "INSERT INTO simulator_simulatedcall (provider, account, endpoint, status, at)"
            " VALUES (?, ?, ?, ?, ?)",
            old,
        )

    for _ in range(100):
        ask()

    kept = [call["endpoint"] for call in simulator.calls("stripe")]
    assert 10_000 <= len(kept) < 10_100
    assert kept[-100:] == ["GET api.stripe.com/v1/account"] * 100


def test_the_commands_of_the_readme_are_answered(simulator):
    text = (ROOT / "README.md").read_text().replace("\\\n", " ")
    lines = re.findall(r"^curl (http://127.0.0.1:8001/control-api/.+)$", text, re.MULTILINE)
    assert len(lines) == 5

    for line in lines:
        address, *data = shlex.split(line)
        url = address.replace("http://127.0.0.1:8001", simulator.url)
        method = "POST" if data else "GET"
        answer = simulator.http.request(method, url, content=data[1] if data else None)
        assert answer.status_code == 200, answer.text

    (drill,) = simulator.http.get(f"{simulator.url}/control-api/drills").json()["data"]
    assert (drill["name"], drill["on"], drill["for_s"]) == ("outage", True, 600)


def test_the_world_outlives_its_process():
    """A simulator of its own: the shared one must keep running."""
    simulator = Simulator(port=free_port()).start()
    try:
        secret = simulator.app("hubspot")["client_secret"]
        simulator.act("hubspot", "21902692", "drop_scope")
        simulator.redirect_bases = "http://127.0.0.1:9000"

        simulator.restart()

        app = simulator.app("hubspot")
        uris = [
            f"{base}/link/oauth2/callback/hubspot"
            for base in ("http://127.0.0.1:9000", CALLBACK_BASE)
        ]
        assert (app["client_secret"], app["redirect_uris"]) == (secret, uris)
        assert simulator.account("hubspot", "21902692")["state"] == ["drop_scope"]
    finally:
        simulator.stop()


def test_a_call_that_stalls_is_given_up_by_the_caller(simulator):
    simulator.act(*STRIPE, "timeout", times=1)

    with pytest.raises(httpx2.ReadTimeout):
        simulator.http.get(simulator.url_for(URL), headers=BEARER, timeout=0.5)
