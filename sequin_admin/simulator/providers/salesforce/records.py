"""The simulated Salesforce's single records, and what was changed or deleted in a time.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
"""

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.salesforce.api import require_own_domain, with_usage_header
from sequin_admin.simulator.providers.salesforce.common import DOMAIN, provider
from sequin_admin.simulator.providers.salesforce.queries import DATA, find_collection, refused
from sequin_admin.simulator.providers.salesforce.rows import stamp
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection, parse_time
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.timeline import DAY_MS
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

OBJECT = rf"{DATA}/sobjects/(?P<name>\w+)"
READ_ONLY = {"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp"}
# How far back changes can be asked for.
REPLICATION_MS = 30 * DAY_MS


def window(request: HttpRequest, rows: LivingRows) -> tuple[int, int]:
    """`start` and `end`, of which seconds are ignored. Raises `SimulatedResponse` (400)."""
    moments = [parse_time(str(request.GET.get(name, ""))) for name in ("start", "end")]
    start, end = (None if at is None else at // 60_000 * 60_000 for at in moments)
    if start is None or end is None:
        raise refused("INVALID_FIELD", "start and end must be ISO 8601 times")
    if start >= end or start < rows.at_ms - REPLICATION_MS:
        message = "startDate must be before endDate, and not more than 30 days ago"
        raise refused("INVALID_REPLICATION_DATE", message)
    return start, end


@provider.route("GET", DOMAIN, rf"{OBJECT}/deleted/?")
def deleted(request: HttpRequest, domain: str, version: str, name: str) -> HttpResponse:
    account, living = require_own_domain(request, domain), find_collection(name)
    rows = LivingRows(account, living)
    start, end = window(request, rows)
    gone = [
        {"id": living.id_of(account, row.number), "deletedDate": stamp(row.updated_ms)}
        for row in rows.tombstones(start)
        if row.updated_ms < end
    ]
    body = {
        "deletedRecords": gone,
        "earliestDateAvailable": stamp(rows.at_ms - REPLICATION_MS),
        "latestDateCovered": stamp(min(end, rows.at_ms)),
    }
    return with_usage_header(request, JsonResponse(body))


@provider.route("GET", DOMAIN, rf"{OBJECT}/updated/?")
def updated(request: HttpRequest, domain: str, version: str, name: str) -> HttpResponse:
    account, living = require_own_domain(request, domain), find_collection(name)
    rows = LivingRows(account, living)
    start, end = window(request, rows)
    found: Iterator[LivingRow] = takewhile(lambda r: r.updated_ms < end, rows.by_change(start))
    ids = [living.id_of(account, row.number) for row in found]
    body = {"ids": ids, "latestDateCovered": stamp(min(end, rows.at_ms))}
    return with_usage_header(request, JsonResponse(body))


def find_record(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """Raises `SimulatedResponse` (404)."""
    row = LivingRows(account, living).get(living.number_of(account, row_id))
    if row is None:
        message = "Provided external ID field does not exist or is not accessible"
        raise refused("NOT_FOUND", message, 404)
    if row.deleted_ms is not None:
        raise refused("ENTITY_IS_DELETED", "entity is deleted", 404)
    return row


@provider.route("GET", DOMAIN, rf"{OBJECT}/(?P<row_id>\w{{15,18}})")
def one_record(
    request: HttpRequest, domain: str, version: str, name: str, row_id: str
) -> HttpResponse:
    account, living = require_own_domain(request, domain), find_collection(name)
    row = find_record(account, living, row_id)
    attributes = {"type": living.name, "url": request.path.partition("my.salesforce.com")[2]}
    shown = {"attributes": attributes, **living.render(account, row)}
    return with_usage_header(request, JsonResponse(shown))


def parse_changes(request: HttpRequest, living: RowCollection) -> dict[str, Any]:
    """Raises `SimulatedResponse` (400)."""
    try:
        given = json.loads(request.body)
    except ValueError as error:
        raise refused("JSON_PARSER_ERROR", "Unexpected character") from error
    if not isinstance(given, dict):
        raise refused("JSON_PARSER_ERROR", "Expected an object")
    wrong = next((name for name in given if name in READ_ONLY), None)
    if wrong is not None:
        message = f"Unable to create/update fields: {wrong}."
        raise refused("INVALID_FIELD_FOR_INSERT_UPDATE", message)
    return given


@provider.route("POST", DOMAIN, rf"{OBJECT}/?")
def create_record(request: HttpRequest, domain: str, version: str, name: str) -> HttpResponse:
    account, living = require_own_domain(request, domain), find_collection(name)
    row = create_row(account, living, parse_changes(request, living))
    made = {"id": living.id_of(account, row.number), "success": True, "errors": []}
    return with_usage_header(request, JsonResponse(made, status=201))


@provider.route("PATCH DELETE", DOMAIN, rf"{OBJECT}/(?P<row_id>\w{{15,18}})")
def change_record(
    request: HttpRequest, domain: str, version: str, name: str, row_id: str
) -> HttpResponse:
    account, living = require_own_domain(request, domain), find_collection(name)
    row = find_record(account, living, row_id)
    if request.method == "DELETE":
        delete_row(account, living, row)
    else:
        update_row(account, living, row, parse_changes(request, living))
    return with_usage_header(request, HttpResponse(status=204))
