"""The simulated Airtable's records: https://airtable.com/developers/web/api/list-records."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.airtable.api import (
    API,
    BASES,
    FIELDS,
    api_error,
    caller,
    count_call,
    provider,
    scopes_of,
)
from sequin_admin.simulator.rows.collection import (
    LivingRow,
    RowCollection,
    iso_millis,
    parse_time,
)
from sequin_admin.simulator.rows.draws import Draw
from sequin_admin.simulator.rows.ids import TaggedIds
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

TABLE = r"/v0/(?P<base>app\w+)/(?P<table>[^/]+)"
ONE = rf"{TABLE}/(?P<row_id>rec\w+)"
MOST, MOST_WRITTEN = 100, 10
IDS = TaggedIds("rec")
NAMES = tuple(field["name"] for field in FIELDS)
# The time of the last change, later than a time, or not before it.
MODIFIED = r"LAST_MODIFIED_TIME\(\)"
TIME = r"(?:DATETIME_PARSE\()?['\"]([^'\"]+)['\"]\)?"
LATER = (
    (re.compile(rf"IS_AFTER\({MODIFIED},{TIME}\)"), 1),
    (re.compile(rf"{MODIFIED}>{TIME}"), 1),
    (re.compile(rf"{MODIFIED}>={TIME}"), 0),
    (re.compile(rf"NOT\(IS_BEFORE\({MODIFIED},{TIME}\)\)"), 0),
)


def record_fields(draw: Draw) -> dict[str, Any]:
    return {
        "Name": draw.company(),
        "Amount": draw.between(1, 5000, changing=True),
        "Found": iso_millis(1_750_000_000_000 + draw.between(0, 500) * 86_400_000),
    }


def record_json(account: SimulatedAccount, row: LivingRow) -> dict[str, Any]:
    """A record; a field without a value is left out."""
    shown = {name: value for name, value in row.fields.items() if value not in (None, "", [])}
    made = iso_millis(row.created_ms // 1000 * 1000)
    return {"id": IDS.id_of(account, row.number), "createdTime": made, "fields": shown}


for base_id, (_, tables) in BASES.items():
    for table_id in tables:
        provider.add_collection(
            RowCollection(
                f"{base_id}/{table_id}", record_fields, record_json, IDS.id_of, IDS.number_of
            )
        )


def refused(status: int, type_: str, message: str) -> SimulatedResponse:
    return SimulatedResponse(api_error(status, type_, message))


def permitted(
    request: HttpRequest, base: str, table: str, scope: str
) -> tuple[SimulatedAccount, RowCollection]:
    """The account and the table, which is named by its id or its name. Raises `SimulatedResponse`
    (403)."""
    grant = caller(request)
    count_call(base, allowed=5)
    if f"data.records:{scope}" not in scopes_of(grant):
        raise refused(403, "INVALID_PERMISSIONS", "You are not permitted to perform this")
    names = BASES[base][1] if base in BASES else {}
    found = next((pk for pk, name in names.items() if table in (pk, name)), None)
    if found is None:
        message = "Invalid permissions, or the requested model was not found."
        raise refused(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", message)
    return grant.account, provider.collections[f"{base}/{found}"]


def parse_since(formula: str) -> int:
    """The moment that a formula compares the last change with. Raises `SimulatedResponse` (422)
    for another formula: no other is simulated."""
    text = re.sub(r"\s", "", formula)
    for pattern, later in LATER:
        found = pattern.fullmatch(text)
        since_ms = parse_time(found[1]) if found else None
        if since_ms is not None:
            return since_ms + later
    raise refused(422, "INVALID_FILTER_BY_FORMULA", "The formula for filtering records is invalid")


def page_size(request: HttpRequest, name: str, most: int) -> int:
    """Raises `SimulatedResponse` (422)."""
    text = str(request.GET.get(name, most))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise refused(422, "INVALID_REQUEST_UNKNOWN", f"{name} must be from 1 to {most}")
    return int(text)


@provider.route("GET", API, TABLE)
def records(request: HttpRequest, base: str, table: str) -> HttpResponse:
    """In order of creation. `offset` names the record before the page."""
    account, living = permitted(request, base, table, "read")
    size, most = page_size(request, "pageSize", MOST), page_size(request, "maxRecords", 10**6)
    sent, _, last = str(request.GET.get("offset", "0/")).partition("/")
    rows = LivingRows(account, living)
    before = rows.get(IDS.number_of(account, last)) if last else None
    plain = sent.isascii() and sent.isdigit() and len(sent) < 9
    if (last and before is None) or not plain:
        message = "The value of offset is invalid"
        raise refused(422, "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", message)
    formula = str(request.GET.get("filterByFormula", ""))
    found: Iterable[LivingRow] = rows.by_creation(before)
    if formula:
        changed = sorted(rows.by_change(parse_since(formula)), key=lambda row: row.number)
        found = (row for row in changed if before is None or row.number > before.number)
    left = max(min(size, most - int(sent)), 0)
    page = list(islice(found, left + 1))
    shown = [pick_fields(request, record_json(account, row)) for row in page[:left]]
    body: dict[str, Any] = {"records": shown}
    if len(page) > left and int(sent) + left < most:
        body["offset"] = f"{int(sent) + left}/{shown[-1]['id']}"
    return json_page(body)


def pick_fields(request: HttpRequest, record: dict[str, Any]) -> dict[str, Any]:
    asked = request.GET.getlist("fields[]") or request.GET.getlist("fields")
    known = record["fields"]
    return {**record, "fields": {n: known[n] for n in asked if n in known}} if asked else record


def find_record(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """Raises `SimulatedResponse` (404), for a deleted record too."""
    row = LivingRows(account, living).get(IDS.number_of(account, row_id))
    if row is None or row.deleted_ms is not None:
        raise SimulatedResponse(JsonResponse({"error": "NOT_FOUND"}, status=404))
    return row


@provider.route("GET", API, ONE)
def one_record(request: HttpRequest, base: str, table: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, base, table, "read")
    return JsonResponse(record_json(account, find_record(account, living, row_id)))


def written_records(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """Up to ten records of the body, or the one that it is. Raises `SimulatedResponse` (422)."""
    try:
        given = json.loads(request.body)
    except ValueError:
        raise refused(422, "INVALID_REQUEST_MISSING_FIELDS", "Could not parse body") from None
    many = given.get("records", [given]) if isinstance(given, dict) else None
    if not isinstance(many, list) or not 1 <= len(many) <= MOST_WRITTEN:
        raise refused(422, "INVALID_RECORDS", f"Give up to {MOST_WRITTEN} records")
    for one in many:
        fields = one.get("fields") if isinstance(one, dict) else None
        if not isinstance(fields, dict):
            raise refused(422, "INVALID_REQUEST_MISSING_FIELDS", "Could not find field fields")
        unknown = next((name for name in fields if name not in NAMES), None)
        if unknown is not None:
            raise refused(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{unknown}"')
        yield one


def answer(request: HttpRequest, found: list[dict[str, Any]]) -> HttpResponse:
    """A list if a list was given."""
    many = "records" in json.loads(request.body)
    return JsonResponse({"records": found} if many else found[0])


@provider.route("POST", API, rf"{TABLE}/?")
def create_records(request: HttpRequest, base: str, table: str) -> HttpResponse:
    account, living = permitted(request, base, table, "write")
    given = [one["fields"] for one in written_records(request)]
    made = [create_row(account, living, dict.fromkeys(NAMES) | fields) for fields in given]
    return answer(request, [record_json(account, row) for row in made])


@provider.route("PATCH", API, rf"{TABLE}(?:/(?P<row_id>rec\w+))?")
def update_records(request: HttpRequest, base: str, table: str, row_id: str | None) -> HttpResponse:
    account, living = permitted(request, base, table, "write")
    given = [(str(one.get("id", row_id)), one["fields"]) for one in written_records(request)]
    rows = [(find_record(account, living, pk), fields) for pk, fields in given]
    changed = [update_row(account, living, row, fields) for row, fields in rows]
    return answer(request, [record_json(account, row) for row in changed])


@provider.route("DELETE", API, rf"{TABLE}(?:/(?P<row_id>rec\w+))?")
def delete_records(request: HttpRequest, base: str, table: str, row_id: str | None) -> HttpResponse:
    """Up to ten. Raises `SimulatedResponse` (422) for more, or none."""
    account, living = permitted(request, base, table, "write")
    ids = [row_id] if row_id else request.GET.getlist("records[]")
    if not 1 <= len(ids) <= MOST_WRITTEN:
        raise refused(422, "INVALID_RECORDS", f"Give up to {MOST_WRITTEN} records")
    for row in [find_record(account, living, one) for one in ids]:
        delete_row(account, living, row)
    gone = [{"id": one, "deleted": True} for one in ids]
    return JsonResponse(gone[0] if row_id else {"records": gone})
