"""How fast the Management API answers, and whether its lists stay so, far down and among many."""

import json
import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.credentials.models import Credential
from sequin_admin.tools.benchmarks import load
from sequin_admin.tools.benchmarks.fleet import fill

URL = "/v1/credentials"
FEW, MANY = 1_000, 50_000
LIMIT, MOST_LIMIT = 100, 500
# How far down a deep page is: the 400th of 50,000 rows.
DEEP = 0.8
ROUNDS = 15
# Shown, but need not stay as quick: no index knows the parts of a name, so who finds few that way
# has all of an organization's rows read.
SCANS = ("search for one",)

Figures = dict[str, Any]


class List(NamedTuple):
    """What is asked for, and which share of all rows that finds; 0 for a single one."""

    query: dict[str, str]
    finds: float = 0


def measure(organization: Organization, few: int = FEW, many: int = MANY) -> Figures:
    """Lists with few credentials, then with many, then single calls from many connections."""
    _, key = keys.create(organization, name="bench", scopes=[Scope.READ], actor=None)
    client = Client(headers={"Authorization": f"Bearer {key}"})
    fill(organization, few)
    before = list_times(client, few)
    fill(organization, many)
    after = list_times(client, many)
    return {
        **over_http(organization, key),
        "lists": {f"rows_{few}": before, f"rows_{many}": after},
        "ratios": ratios(before, after),
    }


def over_http(organization: Organization, key: str) -> Figures:
    pk = Credential.objects.of(organization).exclude(oauth_app=None).values_list("pk", flat=True)[0]
    with load.served() as port:
        measured = load.turns(
            port,
            {
                "floor": load.call(port, f"/bare/{pk}", key),
                "get": load.call(port, f"{URL}/{pk}", key),
                "list": load.call(port, f"{URL}?limit={LIMIT}", key),
            },
        )
    floor = measured["floor"]
    return {
        "connections": load.CONNECTIONS,
        "floor": described(floor),
        "api_get": described(measured["get"], floor),
        f"api_list_{LIMIT}": described(measured["list"], floor),
    }


def described(turns: list[load.Turn], floor: list[load.Turn] | None = None) -> Figures:
    """Of all turns together; the share is of what the floor did in the turn beside it."""
    took = sorted(seconds * 1000 for turn in turns for seconds in turn.took)
    figures: Figures = {
        "requests_per_s": round(statistics.median(turn.per_s for turn in turns)),
        "median_ms": round(statistics.median(took), 1),
        "p99_ms": round(took[int(len(took) * 0.99)], 1),
    }
    if floor:
        pairs = zip(turns, floor, strict=True)
        figures["share"] = round(
            statistics.median(one.per_s / bare.per_s for one, bare in pairs), 3
        )
    return figures


def list_times(client: Client, total: int) -> dict[str, dict[str, float]]:
    """Fastest ms of each list's first page and, where it finds so many, of a deep one."""
    figures = {}
    for name, asked in lists(client, total).items():
        pages = {"first": ""}
        if rows := int(total * asked.finds * DEEP) // LIMIT * LIMIT:
            pages["deep"] = cursor_after(rows, client, asked.query)
        figures[name] = {
            page: fastest_ms(client, {**asked.query, "cursor": cursor})
            for page, cursor in pages.items()
        }
    return figures


def lists(client: Client, total: int) -> dict[str, List]:
    """By name: every sort that is offered, and filters that find many or a single one."""
    parameters = client.get("/v1/openapi.json").json()["paths"][URL]["get"]["parameters"]
    offered = next(each["schema"]["enum"] for each in parameters if each["name"] == "sort")
    one = f"{total // 2:06}"
    return {
        **{f"sort={sort}": List({"sort": sort}, 1) for sort in offered},
        "provider": List({"provider": "stripe"}, 1 / 2),
        "health.status": List({"health.status": "customer_intervention"}, 1 / 5),
        "metadata": List({"metadata": json.dumps({"plan": "pro"})}, 1 / 5),
        "metadata of one": List({"metadata": json.dumps({"customer": f"c-{one}"})}),
        "search": List({"search": "account 0"}, 1),
        "search for one": List({"search": f"account {one}"}),
    }


def cursor_after(rows: int, client: Client, query: Mapping[str, str]) -> str:
    cursor = ""
    while rows:
        step = min(rows, MOST_LIMIT)
        page = client.get(address({**query, "cursor": cursor}, step)).json()
        cursor, rows = page["next_cursor"], rows - step
    return cursor


def fastest_ms(client: Client, query: Mapping[str, str]) -> float:
    """The sizes are measured minutes apart, and the fastest answer waited least for others."""
    fastest: float = load.timed(client, address(query, LIMIT), ROUNDS)["fastest_ms"]
    return fastest


def address(query: Mapping[str, str], limit: int) -> str:
    return f"{URL}?{urlencode({**query, 'limit': limit})}"


def ratios(
    before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]
) -> dict[str, float]:
    """How many times the first page of few each page of many takes, but for scans."""
    return {
        f"{name} {page}": round(taken / before[name]["first"], 2)
        for name, pages in after.items()
        if name not in SCANS
        for page, taken in pages.items()
    }
