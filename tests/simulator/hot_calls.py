"""Hot calls of the simulator within one process: what they answer, and what they cost."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

SUITEQL = json.dumps({"q": "SELECT id, companyName FROM customer ORDER BY id"})
SOQL = urlencode({"q": "SELECT Id, LastName FROM Contact LIMIT 10"})
ISSUES = "/api.github.com/repos/paul-atreides/sietch/issues"


def start() -> Callable[..., Any]:
    """The application, with a database of its own."""
    folder = tempfile.mkdtemp()
    os.environ["DJANGO_SETTINGS_MODULE"] = "sequin_admin.simulator.settings"
    os.environ["SIMULATOR_DATABASE"] = str(Path(folder, "simulator.sqlite3"))
    from sequin_admin.simulator.wsgi import application

    return application


def access(provider: str, account: str, scopes: str = "", use: str = "access") -> str:
    from sequin_admin.simulator.models import (
        SimulatedAccount,
        SimulatedClient,
        SimulatedGrant,
        SimulatedToken,
    )

    row = SimulatedAccount.objects.get(provider=provider, external_id=account)
    client = SimulatedClient.objects.filter(provider=provider, owner__in=("", account)).first()
    assert client is not None
    grant = SimulatedGrant.objects.create(client=client, account=row, scopes=scopes.split())
    return SimulatedToken.issue(grant, use, "", 86_400).value


def hot_calls() -> dict[str, tuple[str, str, str, dict[str, str]]]:
    """By name: method, path, body and headers."""
    from sequin_admin.simulator.models import SimulatedAccount, SimulatedClient

    def bearer(provider: str, account: str, scopes: str = "") -> dict[str, str]:
        return {"HTTP_AUTHORIZATION": f"Bearer {access(provider, account, scopes)}"}

    key = SimulatedAccount.objects.get(external_id="acct_1Arrakis0000001").data["live_key"]
    stripe = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    github = bearer("github", "paul-atreides") | {"HTTP_USER_AGENT": "x"}
    salesforce = bearer("salesforce", "00D5g000004ArrakEA")
    netsuite = bearer("netsuite", "7654321", "rest_webservices") | {"HTTP_PREFER": "transient"}
    hubspot = bearer("hubspot", "21902692", "oauth crm.objects.contacts.read")
    airtable = bearer("airtable", "usrziLeD23j9AJ1", "data.records:read")
    app = SimulatedClient.objects.get(provider="salesforce")
    form = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": access("salesforce", "00D5g000004ArrakEA", "api", "refresh"),
    }
    query = "/7654321.suitetalk.api.netsuite.com/services/rest/query/v1/suiteql?limit=10"
    table = "/api.airtable.com/v0/appArrakis0000001/tblSpice000000001?pageSize=10"
    soql = f"/arrakis.my.salesforce.com/services/data/v62.0/query?{SOQL}"
    return {
        "an issue of GitHub": ("GET", f"{ISSUES}/3", "", github),
        "10 issues of GitHub": ("GET", f"{ISSUES}?per_page=10&state=all", "", github),
        "10 customers of Stripe": ("GET", "/api.stripe.com/v1/customers?limit=10", "", stripe),
        "100 customers of Stripe": ("GET", "/api.stripe.com/v1/customers?limit=100", "", stripe),
        "10 contacts of Salesforce": ("GET", soql, "", salesforce),
        "10 customers of NetSuite": ("POST", query, SUITEQL, netsuite),
        "10 contacts of HubSpot": (
            "GET",
            "/api.hubapi.com/crm/v3/objects/contacts?limit=10",
            "",
            hubspot,
        ),
        "10 records of Airtable": ("GET", table, "", airtable),
        "a token": (
            "POST",
            "/login.salesforce.com/services/oauth2/token",
            urlencode(form),
            {"CONTENT_TYPE": "application/x-www-form-urlencoded"},
        ),
    }


def ask(
    application: Callable[..., Any], method: str, path: str, body: str, headers: dict[str, str]
) -> tuple[str, bytes]:
    """Status and body."""
    path, _, query = path.partition("?")
    wsgi = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8001",
        "HTTP_HOST": "127.0.0.1:8001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body.encode())),
        "wsgi.input": BytesIO(body.encode()),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        **headers,
    }
    seen: list[str] = []
    answer = application(wsgi, lambda status, headers, exc_info=None: seen.append(status))
    try:
        return seen[0], b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def count_cost(run: Callable[[], object]) -> tuple[int, int]:
    """Python calls and SQL statements, those that begin and end a transaction among them."""
    from sequin_admin.simulator.models.memory import memory_of_process

    calls, statements = 0, list[str]()

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    memory_of_process().raw.set_trace_callback(statements.append)
    try:
        run()
    finally:
        memory_of_process().raw.set_trace_callback(None)
    return calls, len(statements)


def count_all() -> dict[str, tuple[int, int]]:
    """By name of the call. The first times, queries are compiled and rows read."""
    application, counted = start(), dict[str, tuple[int, int]]()
    for name, call in hot_calls().items():
        for _ in range(3):
            status, _ = ask(application, *call)
            assert status == "200 OK", (name, status)
        counted[name] = count_cost(partial(ask, application, *call))
    return counted


if __name__ == "__main__":
    print(json.dumps(count_all()))
