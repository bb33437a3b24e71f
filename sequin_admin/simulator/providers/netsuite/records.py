"""The simulated NetSuite's records by REST, and SuiteQL, which ends at 100,000 rows.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157909186990.html
"""

import json
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.netsuite.api import RECORDS, caller
from sequin_admin.simulator.providers.netsuite.common import REST, api_error, provider
from sequin_admin.simulator.providers.netsuite.rows import TABLES, moment
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection
from sequin_admin.simulator.rows.ids import PlainIds
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.selecting import Selection
from sequin_admin.simulator.rows.statements import Statement, StatementError, StatementParser
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

TYPE = r"(?P<name>customer|salesOrder|inventoryItem)"
PAGE, END = 1_000, 100_000
READ_ONLY = ("id", "links", "datecreated", "lastmodifieddate")


def refused(detail: str, code: str = "INVALID_PARAMETER", status: int = 400) -> SimulatedResponse:
    title = "Not Found" if status == 404 else "Bad Request"
    return SimulatedResponse(api_error(status, title, code, detail))


def parse_page(request: HttpRequest) -> tuple[int, int]:
    """`limit`, at most 1,000, and `offset`. Raises `SimulatedResponse` (400)."""
    texts = [str(request.GET.get(name, usual)) for name, usual in (("limit", PAGE), ("offset", 0))]
    if not all(text.isascii() and text.isdigit() and len(text) < 9 for text in texts):
        raise refused("limit and offset must be whole numbers")
    limit, offset = map(int, texts)
    if not 1 <= limit <= PAGE or offset % limit:
        raise refused(f"limit must be from 1 to {PAGE}, and offset divisible by it")
    return limit, offset


def page_json(items: list[dict[str, Any]], total: int, limit: int, offset: int) -> HttpResponse:
    more = offset + len(items) < total
    page = {"links": [], "count": len(items), "hasMore": more, "items": items}
    return json_page({**page, "offset": offset, "totalResults": total})


@provider.route("GET", REST, rf"{RECORDS}/{TYPE}")
def records(request: HttpRequest, label: str, name: str) -> HttpResponse:
    """Ids alone."""
    account = caller(request, label, "suitetalk")
    limit, offset = parse_page(request)
    rows = LivingRows(account, provider.collections[name])
    found = islice(rows.by_creation(), offset, offset + limit)
    items = [{"links": [], "id": PlainIds.id_of(row.number)} for row in found]
    return page_json(items, rows.count(), limit, offset)


def find_record(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """Raises `SimulatedResponse` (404), for a deleted one too."""
    row = LivingRows(account, living).get(PlainIds.number_of(row_id))
    if row is None or row.deleted_ms is not None:
        raise refused("The record instance does not exist.", "NONEXISTENT_ID", 404)
    return row


@provider.route("GET", REST, rf"{RECORDS}/{TYPE}/(?P<row_id>\d+)")
def one_record(request: HttpRequest, label: str, name: str, row_id: str) -> HttpResponse:
    account, living = caller(request, label, "suitetalk"), provider.collections[name]
    shown = living.render(account, find_record(account, living, row_id))
    return JsonResponse({"links": [], **shown})


def parse_changes(request: HttpRequest) -> dict[str, Any]:
    """Names are in lower case, as SuiteQL tells them. Raises `SimulatedResponse` (400)."""
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refused("Invalid JSON in the body", "INVALID_CONTENT")
    return {n.lower(): value for n, value in given.items() if n.lower() not in READ_ONLY}


@provider.route("POST", REST, rf"{RECORDS}/{TYPE}")
def create_record(request: HttpRequest, label: str, name: str) -> HttpResponse:
    """The header `Location` names the new record."""
    account, living = caller(request, label, "suitetalk"), provider.collections[name]
    row = create_row(account, living, parse_changes(request))
    response = HttpResponse(status=204)
    host = f"{label}.suitetalk.api.netsuite.com"
    row_id = PlainIds.id_of(row.number)
    response["Location"] = f"https://{host}{RECORDS}/{name}/{row_id}"
    return response


@provider.route("PATCH DELETE", REST, rf"{RECORDS}/{TYPE}/(?P<row_id>\d+)")
def change_record(request: HttpRequest, label: str, name: str, row_id: str) -> HttpResponse:
    account, living = caller(request, label, "suitetalk"), provider.collections[name]
    row = find_record(account, living, row_id)
    if request.method == "DELETE":
        delete_row(account, living, row)
    else:
        update_row(account, living, row, parse_changes(request))
    return HttpResponse(status=204)


@provider.route("POST", REST, r"/services/rest/query/v1/suiteql")
def suiteql(request: HttpRequest, label: str) -> HttpResponse:
    """Pages by number: without an order that is unique, rows may come twice or not at all."""
    account = caller(request, label, "suitetalk")
    limit, offset = parse_page(request)
    if request.headers.get("Prefer") != "transient":
        raise refused("The header Prefer: transient is required", "INVALID_HEADER")
    if offset + limit > END:
        raise refused(f"A query returns at most {END:,} results: narrow it")
    try:
        given = json.loads(request.body)
        statement = StatementParser(str(given["q"])).parse()
    except (ValueError, KeyError, TypeError) as error:
        raise refused('The body must be {"q": ...}', "INVALID_CONTENT") from error
    except StatementError as error:
        raise refused(f"Invalid search query: {error}") from error
    if statement.source == "deletedrecord":
        found = deleted_records(account, statement)
        return page_json(found[offset : offset + limit], len(found), limit, offset)
    name = next((name for name, table in TABLES.items() if table == statement.source), None)
    if name is None:
        raise refused(f"Invalid search query: record {statement.source!r} was not found")
    living = provider.collections[name]
    selection = Selection(
        LivingRows(account, living),
        statement,
        lambda row: living.render(account, row),
        changed="lastmodifieddate",
        number="id",
    )
    page = islice(selection.walk(skip=offset), limit)
    items = [pick_columns(statement, living.render(account, row)) for row in page]
    return page_json(items, min(selection.count(), END), limit, offset)


def pick_columns(statement: Statement, known: dict[str, Any]) -> dict[str, Any]:
    """Columns without a value are left out. Raises `SimulatedResponse` (400)."""
    asked = list(known) if statement.fields == ["*"] else statement.fields
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        raise refused(f"Invalid search query: field {unknown!r} was not found")
    return {"links": []} | {name: known[name] for name in asked if known[name] is not None}


def deleted_records(account: SimulatedAccount, statement: Statement) -> list[dict[str, Any]]:
    """The table `deletedrecord`, in order of deletion."""
    condition = statement.condition
    since_ms = condition.bounds.get("deleteddate", 0) if condition else 0
    found = [
        (row.updated_ms, name, PlainIds.id_of(row.number))
        for name, living in provider.collections.items()
        for row in LivingRows(account, living).tombstones(since_ms)
    ]
    known = [
        {"recordid": row_id, "type": name, "deleteddate": moment(at_ms)}
        for at_ms, name, row_id in sorted(found)
    ]
    return [
        pick_columns(statement, one) for one in known if condition is None or condition.test(one)
    ]
