"""The simulated QuickBooks' queries, change data capture, and what writes.

https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api
"""

import json
import re
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import SimulatedResponse
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.quickbooks.api import API, REALM, answer, caller
from sequin_admin.simulator.providers.quickbooks.common import api_error, provider
from sequin_admin.simulator.providers.quickbooks.rows import SYNC_TOKEN
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, parse_time
from sequin_admin.simulator.rows.ids import PlainIds
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.selecting import Selection
from sequin_admin.simulator.rows.statements import StatementError, StatementParser
from sequin_admin.simulator.rows.timeline import DAY_MS
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

COMPANY = rf"/v3/company/{REALM}"
USUAL, MOST = 100, 1_000
# Change data capture goes back so far, and tells of so many objects.
CAPTURED_MS, MOST_CAPTURED = 30 * DAY_MS, 1_000
ENTITY = r"(?P<entity>customer|invoice|payment|bill)"
READ_ONLY = ("Id", SYNC_TOKEN, "MetaData", "domain", "sparse")


def refused(code: str, message: str) -> SimulatedResponse:
    return SimulatedResponse(api_error(400, "ValidationFault", code, message))


def find_collection(name: str) -> RowCollection:
    """Raises `SimulatedResponse` (400)."""
    for living in provider.collections.values():
        if living.name.lower() == name.lower():
            return living
    raise refused("4000", f"Error parsing query: {name} is not an entity")


@provider.route("GET POST", API, rf"{COMPANY}/query")
def query(request: HttpRequest, host: str, realm: str) -> HttpResponse:
    """The statement is in the query, or is the whole body of a POST."""
    account = caller(request, host, realm)
    posted = request.body.decode(errors="replace") if request.method == "POST" else ""
    text = re.sub(r"\border\s?by\b", "order by", str(request.GET.get("query", posted)), flags=re.I)
    try:
        statement = StatementParser(text).parse()
    except StatementError as error:
        raise refused("4000", f"Error parsing query: {error}") from error
    living = find_collection(statement.source)

    def values(row: LivingRow) -> dict[str, Any]:
        shown = living.render(account, row)
        times = {f"metadata.{name.lower()}": at for name, at in shown["MetaData"].items()}
        return {name.lower(): value for name, value in shown.items()} | times

    rows = LivingRows(account, living)
    changed = "metadata.lastupdatedtime"
    selection = Selection(rows, statement, values, changed=changed, number="id")
    if statement.fields == ["count(*)"]:
        return answer(request, QueryResponse={"totalCount": selection.count()})
    start = max(statement.numbers.get("startposition", 1), 1)
    size = min(statement.numbers.get("maxresults", USUAL), MOST)
    page = [living.render(account, row) for row in islice(selection.walk(skip=start - 1), size)]
    found = {living.name: page, "startPosition": start, "maxResults": len(page)} if page else {}
    return answer(request, QueryResponse=found)


@provider.route("GET", API, rf"{COMPANY}/cdc")
def captured_changes(request: HttpRequest, host: str, realm: str) -> HttpResponse:
    """What changed or was deleted since a moment, the latest 1,000 objects of all entities."""
    account = caller(request, host, realm)
    names = [name for name in str(request.GET.get("entities", "")).split(",") if name]
    since_ms = parse_time(str(request.GET.get("changedSince", "")))
    if not names or since_ms is None:
        raise refused("4001", "entities and changedSince are required")
    found = list[tuple[int, str, dict[str, Any]]]()
    for living in map(find_collection, names):
        rows = LivingRows(account, living)
        if since_ms < rows.at_ms - CAPTURED_MS:
            raise refused("4002", "changedSince must be within the last 30 days")
        changed = islice(rows.by_change(since_ms, newest_first=True), MOST_CAPTURED)
        for row in (*changed, *rows.tombstones(since_ms)):
            found.append((row.updated_ms, living.name, living.render(account, row)))
    found.sort(key=lambda change: change[0], reverse=True)
    told = found[:MOST_CAPTURED]
    answers = []
    for name in dict.fromkeys(name for _, name, _ in told):
        page = [shown for _, of, shown in told if of == name]
        answers.append({name: page, "startPosition": 1, "maxResults": len(page)})
    return answer(request, CDCResponse=[{"QueryResponse": answers}])


def find_object(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """Raises `SimulatedResponse` (400)."""
    row = LivingRows(account, living).get(PlainIds.number_of(row_id))
    if row is None or row.deleted_ms is not None:
        raise refused("610", "Object Not Found")
    return row


@provider.route("GET", API, rf"{COMPANY}/{ENTITY}/(?P<row_id>\d+)")
def one_object(
    request: HttpRequest, host: str, realm: str, entity: str, row_id: str
) -> HttpResponse:
    account, living = caller(request, host, realm), find_collection(entity)
    shown = living.render(account, find_object(account, living, row_id))
    return answer(request, **{living.name: shown})


@provider.route("POST", API, rf"{COMPANY}/{ENTITY}")
def write_object(request: HttpRequest, host: str, realm: str, entity: str) -> HttpResponse:
    """Creates; with an `Id` and its `SyncToken` updates, or with `operation=delete` deletes."""
    account, living = caller(request, host, realm), find_collection(entity)
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refused("2010", "Request has invalid or unsupported property")
    fields = {name: value for name, value in given.items() if name not in READ_ONLY}
    if "Id" not in given:
        row = create_row(account, living, fields)
        return answer(request, **{living.name: living.render(account, row)})
    row = find_object(account, living, str(given["Id"]))
    if given.get(SYNC_TOKEN) != living.render(account, row)[SYNC_TOKEN]:
        raise refused("5010", "Stale Object Error")
    if request.GET.get("operation") != "delete":
        row = update_row(account, living, row, fields)
        return answer(request, **{living.name: living.render(account, row)})
    if not living.deletes:
        raise refused("2090", "Invalid operation: make it inactive instead")
    delete_row(account, living, row)
    return answer(
        request, **{living.name: {"status": "Deleted", "domain": "QBO", "Id": given["Id"]}}
    )
