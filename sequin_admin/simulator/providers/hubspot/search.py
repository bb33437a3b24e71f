"""The simulated HubSpot's search: 200 a page, ends at 10,000, and lags.

https://developers.hubspot.com/docs/api-reference/search/guide
"""

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import json_page
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.providers.hubspot.common import API, provider
from sequin_admin.simulator.providers.hubspot.objects import (
    OBJECTS,
    READ,
    page_size,
    parse_object,
    permitted,
    refused,
    wanted_properties,
)
from sequin_admin.simulator.providers.hubspot.rows import (
    changed_property,
    object_json,
    properties_of,
)
from sequin_admin.simulator.rows.collection import LivingRow
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.statements import comparable, compare

USUAL, MOST, END = 10, 200, 10_000
MOST_GROUPS, MOST_FILTERS = 5, 10
PER_SECOND = 5
# How far the index is behind the objects.
LAG_MS = 5_000
SIGNS = {"EQ": "=", "NEQ": "!=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}


def fits(known: dict[str, Any], condition: dict[str, Any]) -> bool:
    value, name = known.get(condition["propertyName"]), str(condition["operator"])
    if name == "HAS_PROPERTY":
        return value is not None
    if name == "NOT_HAS_PROPERTY":
        return value is None
    if name in ("IN", "NOT_IN"):
        found = any(compare("=", value, one) for one in condition["values"])
        return found == (name == "IN")
    if name == "BETWEEN":
        low, high = condition["value"], condition["highValue"]
        return compare(">=", value, low) and compare("<=", value, high)
    return compare(SIGNS[name], value, condition["value"])


def parse_groups(given: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The filters of each group: one group must fit, with all of its filters."""
    groups = given.get("filterGroups") or []
    try:
        parsed = [list(group["filters"]) for group in groups]
        for condition in (one for group in parsed for one in group):
            needed = {"IN": "values", "NOT_IN": "values", "BETWEEN": "highValue"}
            known = {*SIGNS, *needed, "HAS_PROPERTY", "NOT_HAS_PROPERTY"}
            name = condition["operator"]
            if name not in known or not isinstance(condition["propertyName"], str):
                raise refused(f"There was a problem with the request: operator {name}")
            if not name.endswith("HAS_PROPERTY"):
                condition[needed.get(name, "value")]
                condition["values" if name.endswith("IN") else "value"]
    except (TypeError, KeyError) as error:
        raise refused(f"There was a problem with the request: {error}") from error
    if len(parsed) > MOST_GROUPS or any(len(group) > MOST_FILTERS for group in parsed):
        raise refused(f"At most {MOST_GROUPS} groups of {MOST_FILTERS} filters may be given")
    return parsed


def changed_since(name: str, groups: list[list[dict[str, Any]]]) -> int:
    """The moment from which on all that fits has changed, or 0."""
    if len(groups) != 1:
        return 0
    bounds = [
        comparable(one["value"])[0]
        for one in groups[0]
        if one["propertyName"] == changed_property(name)
        and one["operator"] in ("GT", "GTE", "EQ", "BETWEEN")
    ]
    return int(max((bound for bound in bounds if math.isfinite(bound)), default=0))


def parse_sort(name: str, given: dict[str, Any]) -> tuple[str, bool]:
    """The property to sort by, and whether it descends. Creation is what is usual."""
    sorts = given.get("sorts") or ["createdate"]
    first = sorts[0] if isinstance(sorts, list) else None
    if isinstance(first, str):
        first = {"propertyName": first}
    if not isinstance(first, dict) or len(sorts) > 1:
        raise refused("sorts must be a list of one sort")
    return str(first.get("propertyName", "")), first.get("direction") == "DESCENDING"


def sorted_rows(
    rows: LivingRows, name: str, since: int, by: str, *, descends: bool
) -> Iterator[LivingRow]:
    """Rows that changed since, in an order that has an index or, if it has none, sorted now."""
    if by == changed_property(name):
        return rows.by_change(since, newest_first=descends)
    if by in ("createdate", "hs_object_id") and not since:
        return rows.by_creation(newest_first=descends)
    found = list(rows.by_change(since))
    key = {
        "createdate": lambda row: row.created_ms,
        "hs_object_id": lambda row: row.number,
    }.get(by, lambda row: str(row.fields.get(by, "")))
    return iter(sorted(found, key=key, reverse=descends))


@provider.route("POST", API, rf"{OBJECTS}/search")
def search(request: HttpRequest, name: str) -> HttpResponse:
    """`after` is how many to skip."""
    account, living = permitted(request, name, READ)
    count_call(provider, f"{account.external_id}:search", allowed=PER_SECOND, seconds=1)
    given = parse_object(request)
    groups, (by, descends) = parse_groups(given), parse_sort(name, given)
    size, after = page_size(given.get("limit"), USUAL, MOST), str(given.get("after") or 0)
    if not (after.isascii() and after.isdigit()):
        raise refused("Invalid paging cursor: after")
    start = int(after)
    if start + size > END:
        raise refused(f"The total number of results is limited to {END:,}: narrow the search")
    now_ms = LivingRows(account, living).at_ms
    rows, since = LivingRows(account, living, now_ms - LAG_MS), changed_since(name, groups)
    indexed = (
        all(
            one["propertyName"] == changed_property(name) and one["operator"] == "GTE"
            for group in groups
            for one in group
        )
        and len(groups) < 2
    )

    def matches(row: LivingRow) -> bool:
        known = properties_of(name, row)
        return any(all(fits(known, one) for one in group) for group in groups)

    found = sorted_rows(rows, name, since, by, descends=descends)
    if indexed:
        total, page = rows.count_changed(since), list(islice(found, start, start + size))
    else:
        matching = [row for row in found if matches(row)]
        total, page = len(matching), matching[start : start + size]
    asked = wanted_properties(given)
    body: dict[str, Any] = {
        "total": total,
        "results": [object_json(name, row, asked) for row in page],
    }
    if start + len(page) < total:
        body["paging"] = {"next": {"after": str(start + len(page))}}
    return json_page(body)
