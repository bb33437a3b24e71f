"""The simulated Auth0's users beyond 1,000, and the jobs that export them."""

import csv
import gzip
import io
import json

import pytest

from tests.simulator_server import Simulator

DOMAIN = "arrakis.us.auth0.com"
BASE = f"https://{DOMAIN}/api/v2"


@pytest.fixture
def call(simulator: Simulator):
    """Calls with a token; the clock goes on before each, so that no limit is met."""
    app = simulator.app("auth0", DOMAIN)
    asked = {
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "audience": f"{BASE}/",
    }
    url = simulator.url_for(f"https://{DOMAIN}/oauth/token")
    token = simulator.http.post(url, json=asked).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}

    def send(method, path, **options):
        simulator.clock(1)
        return simulator.http.request(
            method, simulator.url_for(f"{BASE}/{path}"), headers=bearer, **options
        )

    return send


@pytest.fixture
def export(simulator, call):
    """The lines of a finished export."""

    def lines(**asked):
        job = call("POST", "jobs/users-exports", json=asked).json()
        simulator.clock(10)
        done = call("GET", f"jobs/{job['id']}").json()
        assert (done["status"], done["percentage_done"]) == ("completed", 100)
        written = simulator.http.get(simulator.url_for(done["location"]))
        assert written.headers["content-type"] == "application/gzip"
        return gzip.decompress(written.content).decode().splitlines()

    return lines


def test_lists_end_at_1000_users_and_an_export_has_them_all(simulator, call, export):
    simulator.act("auth0", DOMAIN, "many_users")

    last = call("GET", "users?per_page=100&page=9&include_totals=true").json()
    beyond = call("GET", "users?per_page=100&page=10")

    assert (len(last["users"]), last["total"]) == (100, 1_205)
    assert (beyond.status_code, beyond.json()["errorCode"]) == (400, "invalid_paging")
    users = [json.loads(line) for line in export(format="json")]
    assert len({user["user_id"] for user in users}) == len(users) == 1_205


def test_a_job_waits_works_and_is_done(simulator, call):
    job = call("POST", "jobs/users-exports", json={"format": "json"}).json()

    assert (job["type"], job["status"]) == ("users_export", "pending")
    assert call("GET", f"jobs/{job['id']}").json()["status"] == "pending"
    simulator.clock(3)
    under_way = call("GET", f"jobs/{job['id']}").json()
    assert under_way["status"] == "processing"
    assert "location" not in under_way
    assert 0 < under_way["percentage_done"] < 100
    simulator.clock(10)
    assert call("GET", f"jobs/{job['id']}").json()["status"] == "completed"
    assert call("GET", f"jobs/{job['id']}/errors").status_code == 204
    simulator.clock(86_400)
    assert call("GET", f"jobs/{job['id']}").status_code == 401  # the token, too, lived for a day


def test_a_job_is_forgotten_after_a_day(simulator, call):
    job = call("POST", "jobs/users-exports", json={}).json()["id"]

    simulator.clock(86_390)

    assert call("GET", f"jobs/{job}").status_code == 200
    assert call("GET", "jobs/job_0000").status_code == 404


def test_csv_has_the_fields_that_were_asked_for(export):
    fields = [
        {"name": "email"},
        {"name": "identities[0].connection", "export_as": "provider"},
        {"name": "user_metadata.country"},
        {"name": "identities[3].connection"},
    ]

    header, *rows = csv.reader(io.StringIO("\n".join(export(format="csv", limit=2, fields=fields))))

    assert header == [
        "email",
        "provider",
        "user_metadata.country",
        "identities[3].connection",
    ]
    assert rows[0] == [f"paul@{DOMAIN}", "Username-Password-Authentication", "Arrakis", ""]
    assert len(rows) == 2


def test_a_link_ends_after_a_minute_and_is_not_to_be_forged(simulator, call):
    job = call("POST", "jobs/users-exports", json={}).json()["id"]
    simulator.clock(10)
    link = call("GET", f"jobs/{job}").json()["location"]

    forged = simulator.http.get(simulator.url_for(link.replace("Expires=", "Expires=9")))
    simulator.clock(61)
    late = simulator.http.get(simulator.url_for(link))

    assert (forged.status_code, late.status_code) == (403, 403)
    assert "SignatureDoesNotMatch" in forged.text
    assert "Request has expired" in late.text
    again = call("GET", f"jobs/{job}").json()["location"]
    assert simulator.http.get(simulator.url_for(again)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"json": {"format": "xml"}}, 400, "invalid_body"),
        ({"json": {"limit": 0}}, 400, "invalid_body"),
        ({"json": {"limit": True}}, 400, "invalid_body"),
        ({"json": {"fields": []}}, 400, "invalid_body"),
        ({"json": {"fields": [{"name": "a"}] * 31}}, 400, "invalid_body"),
        ({"json": {"fields": [{"title": "a"}]}}, 400, "invalid_body"),
        ({"json": {"connection_id": "con_9"}}, 404, "inexistent_connection"),
        ({"content": b"{"}, 400, None),
        ({"json": []}, 400, None),
    ],
)
def test_a_wrong_job_is_refused(call, asked, status, code):
    answer = call("POST", "jobs/users-exports", **asked)

    assert (answer.status_code, answer.json().get("errorCode")) == (status, code)


def test_exporting_takes_the_right_to_read_users(simulator):
    url = simulator.url_for(f"{BASE}/jobs/users-exports")

    assert simulator.http.post(url, json={}).status_code == 401


@pytest.mark.parametrize("query", ["page=x", "per_page=101", "page=-1"])
def test_a_page_that_is_no_number_is_refused(call, query):
    assert call("GET", f"users?{query}").status_code == 400
    assert call("GET", f"clients?{query}").status_code == 400


def test_clients_come_in_pages(call):
    page = call("GET", "clients?include_totals=true&per_page=1&page=1").json()

    assert (page["start"], page["total"], page["clients"]) == (1, 1, [])
