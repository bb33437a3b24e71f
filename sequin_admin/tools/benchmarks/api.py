"""Benchmark of the Management API: requests per second, and how lists scale with rows and depth."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.test import Client

from sequin_admin.access import keys
from sequin_admin.access.models import Organization, Scope
from sequin_admin.tools.benchmarks import hot, imports, load
from sequin_admin.tools.benchmarks.fleet import fill

URL = hot.URL
FEW, MANY = 1_000, 100_000
LIMIT, MOST_LIMIT = hot.LIMIT, 500
# A deep page starts at this share of the rows.
DEEP = 0.8
ROUNDS = 15
# A page of many rows takes so many times as long as the first of few, or so much longer.
MOST_RATIO, MOST_MORE_MS = 1.3, 1.0
# Measured, but without a limit: without an index, as on SQLite, a search that matches few rows
# reads the texts of all.
SCANS = ("search for one",)

Figures = dict[str, Any]


class List(NamedTuple):
    """Query parameters, and the share of all rows that they match; 0 for a single row."""

    query: dict[str, str]
    finds: float = 0


def measure(organization: Organization, few: int = FEW, many: int = MANY) -> Figures:
    """Times of lists with few and with many credentials, and throughput over HTTP."""
    _, key = keys.create(organization, name="bench", scopes=[Scope.READ], actor=None)
    client = Client(headers={"Authorization": f"Bearer {key}"})
    fill(organization, few)
    before = list_times(client, few)
    fill(organization, many)
    after = list_times(client, many)
    return {
        **hot.measure(organization),
        "imports": imports.measure(organization),
        "lists": {f"rows_{few}": before, f"rows_{many}": after},
        "ratios": ratios(before, after),
        "too_slow": grown(before, after),
    }


def list_times(client: Client, total: int) -> dict[str, dict[str, float]]:
    """Fastest time in ms of each list's first page and, if it has enough rows, of a deep one."""
    figures = {}
    for name, tested in lists(client, total).items():
        pages = {"first": ""}
        if rows := int(total * tested.finds * DEEP) // LIMIT * LIMIT:
            pages["deep"] = cursor_after(rows, client, tested.query)
        figures[name] = {
            page: fastest_ms(client, {**tested.query, "cursor": cursor})
            for page, cursor in pages.items()
        }
    return figures


def lists(client: Client, total: int) -> dict[str, List]:
    """Lists by name: every sort order of the API, and filters that match many rows or one."""
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
    """The fastest, as it is least disturbed: the sizes are measured minutes apart."""
    fastest: float = load.time_requests(client, address(query, LIMIT), ROUNDS)["fastest_ms"]
    return fastest


def address(query: Mapping[str, str], limit: int) -> str:
    return f"{URL}?{urlencode({**query, 'limit': limit})}"


def ratios(
    before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]
) -> dict[str, float]:
    """Time of each page with many rows, relative to the first page with few; without `SCANS`."""
    return {
        f"{name} {page}": round(taken / before[name]["first"], 2)
        for name, pages in after.items()
        if name not in SCANS
        for page, taken in pages.items()
    }


def grown(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> list[str]:
    """The pages that take longer than `MOST_RATIO` and `MOST_MORE_MS` allow; without `SCANS`."""
    return [
        f"{name} {page}"
        for name, pages in after.items()
        if name not in SCANS
        for page, taken in pages.items()
        if taken > max(before[name]["first"] * MOST_RATIO, before[name]["first"] + MOST_MORE_MS)
    ]
