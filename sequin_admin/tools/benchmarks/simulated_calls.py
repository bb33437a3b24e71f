"""Benchmark of the simulator, started as `make run` starts it: calls a second of eight connections,
and the processor time of each call."""

import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sequin_admin.core.env import inherited
from sequin_admin.tools.benchmarks.load import HOST, THREADS
from sequin_admin.tools.benchmarks.process_costs import pids_of, processor_s
from sequin_admin.tools.benchmarks.raw_calls import send_all
from sequin_admin.tools.simulator import SimulatorControl
from sequin_admin.tools.supervisor import SIMULATOR, Supervisor, free_port, gunicorn

CONNECTIONS, CALLS, ROUNDS = 8, 80, 12
ACCOUNT, CONTACTS = "acct_1Arrakis0000001", "crm.objects.contacts.read"
TOKEN_PATH = "/api.hubapi.com/oauth/2026-03/token"  # noqa: S105 - an address
# But of pages of 100 rows.
LEAST_PER_S = 500


def measure() -> dict[str, Any]:
    """By call: how many a second in the best of some rounds, and ms of processor time on average.
    `too_slow` names those of which the processor would take less than 500 a second."""
    with running() as (port, pids), SimulatorControl(f"http://{HOST}:{port}") as control:
        calls = {name: request.encode() for name, request in requests(control, port)}
        figures = {name: measure_call(control, port, pids, raw) for name, raw in calls.items()}
    held = figures.keys() - {"page_of_100"}
    slow = sorted(n for n in held if figures[n]["cpu_ms"] > 1000 / LEAST_PER_S)
    return {**figures, "too_slow": slow}


@contextmanager
def running() -> Iterator[tuple[int, list[int]]]:
    """Port and processes of a simulator with a database of its own."""
    port, supervisor = free_port(), Supervisor(sys.stderr)
    with tempfile.TemporaryDirectory(prefix="sequin-bench-") as folder:
        environment = {
            **inherited(),
            "DJANGO_SETTINGS_MODULE": "sequin_admin.simulator.settings",
            "SIMULATOR_DATABASE": str(Path(folder) / "simulator.sqlite3"),
        }
        command = gunicorn(SIMULATOR, port, THREADS)
        try:
            supervisor.start("simulator", command, environment)
            supervisor.wait_for("simulator", f"http://{HOST}:{port}/clock/")
            yield port, list(pids_of(supervisor, "simulator"))
        finally:
            supervisor.stop()


def requests(control: SimulatorControl, port: int) -> Iterator[tuple[str, str]]:
    rows = control.get("stripe/accounts")["data"]
    key = next(row["live_key"] for row in rows if row["id"] == ACCOUNT)
    tokens = connect(control)
    app = control.get("hubspot/app")
    form = urlencode(
        {
            **{name: app[name] for name in ("client_id", "client_secret")},
            **{"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
        }
    )
    customers = "/api.stripe.com/v1/customers"
    yield "row", head(port, f"{customers}/{first_id(control, key)}", key)
    yield "page_of_10", head(port, f"{customers}?limit=10", key)
    yield "page_of_100", head(port, f"{customers}?limit=100", key)
    contacts = "/api.hubapi.com/crm/v3/objects/contacts?limit=10"
    yield "page_of_10_contacts", head(port, contacts, tokens["access_token"])
    type_ = "Content-Type: application/x-www-form-urlencoded\r\n"
    length = f"Content-Length: {len(form)}\r\n\r\n"
    host = f"Host: {HOST}:{port}\r\n"
    yield "token", f"POST {TOKEN_PATH} HTTP/1.1\r\n{host}{type_}{length}{form}"


def head(port: int, path: str, token: str) -> str:
    host = f"Host: {HOST}:{port}\r\n"
    return f"GET {path} HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\n\r\n"


def first_id(control: SimulatorControl, key: str) -> str:
    url, headers = "/api.stripe.com/v1/customers", {"Authorization": f"Bearer {key}"}
    answer = control.http.get(url, headers=headers, params={"limit": 1}).raise_for_status()
    return str(answer.json()["data"][0]["id"])


def connect(control: SimulatorControl) -> dict[str, Any]:
    """Tokens of HubSpot, after consent."""
    app = control.get("hubspot/app")
    uri = {"redirect_uri": app["redirect_uris"][0], "client_id": app["client_id"]}
    query = {**uri, "response_type": "code", "state": "s", "scope": f"oauth {CONTACTS}"}
    page = control.local(f"https://app.hubspot.com/oauth/authorize?{urlencode(query)}")
    code = control.consent(page, "21902692")["code"]
    form = {**uri, "client_secret": app["client_secret"], "code": code}
    answer = control.http.post(TOKEN_PATH, data={**form, "grant_type": "authorization_code"})
    tokens: dict[str, Any] = answer.raise_for_status().json()
    return tokens


def measure_call(
    control: SimulatorControl, port: int, pids: list[int], raw: bytes
) -> dict[str, float]:
    most, used_s = 0.0, 0.0
    for _ in range(ROUNDS):
        for provider in ("stripe", "hubspot"):  # What was counted for their limits.
            control.clear_faults(provider)
        before, began = sum(map(processor_s, pids)), time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            shares = [CALLS // CONNECTIONS] * CONNECTIONS
            list(pool.map(lambda calls: send_all(port, raw, calls), shares))
        most = max(most, CALLS / (time.perf_counter() - began))
        used_s += sum(map(processor_s, pids)) - before
    return {"per_s": round(most), "cpu_ms": round(used_s * 1000 / CALLS / ROUNDS, 2)}
