"""The simulated HubSpot's CRM objects: lists, single ones, and what creates, updates and archives.

https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide
"""

import json
from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.hubspot.api import caller
from sequin_admin.simulator.providers.hubspot.common import (
    API,
    allowed_scopes,
    api_error,
    provider,
)
from sequin_admin.simulator.providers.hubspot.rows import SCOPES, object_json
from sequin_admin.simulator.rows.collection import Fields, LivingRow, RowCollection, iso_millis
from sequin_admin.simulator.rows.ids import PlainIds
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.timeline import DAY_MS
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

OBJECTS = r"/crm/(?:v3/objects|objects/\d{4}-\d{2})/(?P<name>contacts|companies|deals|tickets)"
ONE = rf"{OBJECTS}/(?P<row_id>\d+)"
USUAL, MOST, MOST_IN_BATCH = 10, 100, 100
# Archived objects can be restored, and listed, for so long.
ARCHIVE_MS = 90 * DAY_MS
READ, WRITE = 0, 1


def refused(
    message: str, status: int = 400, category: str = "VALIDATION_ERROR"
) -> SimulatedResponse:
    return SimulatedResponse(api_error(status, category, message))


def permitted(
    request: HttpRequest, name: str, right: int
) -> tuple[SimulatedAccount, RowCollection]:
    """The account and the collection. Raises `SimulatedResponse` (403) without the scope."""
    grant, scope = caller(request), SCOPES[name][right]
    if scope not in allowed_scopes(grant):
        context = {"requiredGranularScopes": [scope]}
        message = "This app hasn't been granted all required scopes"
        errors = [{"message": message, "context": context}]
        raise SimulatedResponse(api_error(403, "MISSING_SCOPES", message, errors=errors))
    return grant.account, provider.collections[name]


def page_size(text: object, usual: int, most: int) -> int:
    """`limit`, or what is usual. Raises `SimulatedResponse` (400)."""
    if not str(text or usual).isascii() or not str(text or usual).isdigit():
        raise refused("limit must be a whole number")
    size = int(str(text or usual))
    if not 1 <= size <= most:
        raise refused(f"limit must be from 1 to {most}")
    return size


def asked_properties(request: HttpRequest) -> list[str]:
    return [n for text in request.GET.getlist("properties") for n in text.split(",") if n]


def parse_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body. Raises `SimulatedResponse` (400)."""
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refused("Invalid input JSON: the body must be an object")
    return given


def wanted_properties(given: dict[str, Any]) -> list[str]:
    """`properties` of a body. Raises `SimulatedResponse` (400)."""
    names = given.get("properties") or []
    if not isinstance(names, list):
        raise refused("properties must be a list")
    return list(map(str, names))


@provider.route("GET", API, OBJECTS)
def objects(request: HttpRequest, name: str) -> HttpResponse:
    """In order of creation, archived ones in that of their archiving; `after` is an id."""
    account, living = permitted(request, name, READ)
    rows, size = LivingRows(account, living), page_size(request.GET.get("limit"), USUAL, MOST)
    number = PlainIds.number_of(request.GET.get("after", ""))
    other = rows.get(number)
    if request.GET.get("after") and other is None:
        raise refused("Invalid paging cursor: after")
    archived = request.GET.get("archived") == "true"
    found = archived_after(rows, other) if archived else rows.by_creation(other)
    page = list(islice(found, size + 1))
    asked = asked_properties(request)
    body: dict[str, Any] = {"results": [object_json(name, row, asked) for row in page[:size]]}
    if len(page) > size:
        after = PlainIds.id_of(page[size - 1].number)
        body["paging"] = {"next": {"after": after, "link": next_link(request, after)}}
    return json_page(body)


def archived_after(rows: LivingRows, other: LivingRow | None) -> Iterator[LivingRow]:
    """Archived objects after another one, which is archived too."""
    oldest = rows.at_ms - ARCHIVE_MS
    if other is None:
        return rows.tombstones(oldest)
    since = max(oldest, other.deleted_ms or 0)
    later = dropwhile(lambda row: row.number != other.number, rows.tombstones(since))
    return islice(later, 1, None)


def next_link(request: HttpRequest, after: str) -> str:
    query = request.GET.copy()
    query["after"] = after
    return (
        f"https://api.hubapi.com{request.path.removeprefix('/api.hubapi.com')}?{query.urlencode()}"
    )


def find_object(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow | None:
    return LivingRows(account, living).get(PlainIds.number_of(row_id))


def not_found() -> HttpResponse:
    return api_error(404, "OBJECT_NOT_FOUND", "Object not found.")


@provider.route("GET", API, ONE)
def one_object(request: HttpRequest, name: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, name, READ)
    row = find_object(account, living, row_id)
    archived = request.GET.get("archived") == "true"
    if row is None or archived != (row.deleted_ms is not None):
        return not_found()
    return JsonResponse(object_json(name, row, asked_properties(request)))


@provider.route("POST", API, rf"{OBJECTS}/batch/read")
def batch_read(request: HttpRequest, name: str) -> HttpResponse:
    """Up to 100 objects by their ids; those that are not there are left out, with 207."""
    account, living = permitted(request, name, READ)
    given = parse_object(request)
    inputs = given.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise refused("inputs must be a list of objects")
    if len(inputs) > MOST_IN_BATCH:
        raise refused(f"The maximum number of inputs supported is {MOST_IN_BATCH}")
    ids = [str(one.get("id", "")) for one in inputs]
    numbers = [PlainIds.number_of(text) for text in ids]
    living_rows = LivingRows(account, living)
    rows, asked = living_rows.rows([n for n in numbers if n is not None]), wanted_properties(given)
    found = [object_json(name, row, asked) for row in rows if row.deleted_ms is None]
    times = dict.fromkeys(
        ("requestedAt", "startedAt", "completedAt"), iso_millis(living_rows.at_ms)
    )
    body = {"status": "COMPLETE", "results": found, **times}
    there = {one["id"] for one in found}
    missing = [text for text in ids if text not in there]
    if not missing:
        return JsonResponse(body)
    return JsonResponse({**body, "numErrors": 1, "errors": [missing_error(missing)]}, status=207)


def missing_error(ids: list[str]) -> Fields:
    """What a batch says about ids of no object."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some objects. They may be deleted or not exist.",
        "context": {"ids": ids},
        "links": {},
        "errors": [],
    }


def written_properties(request: HttpRequest) -> dict[str, Any]:
    """Values are stored as texts. Raises `SimulatedResponse` (400)."""
    given = parse_object(request).get("properties")
    if not isinstance(given, dict):
        raise refused("properties must be an object")
    return {name: None if value is None else str(value) for name, value in given.items()}


@provider.route("POST", API, OBJECTS)
def create_object(request: HttpRequest, name: str) -> HttpResponse:
    account, living = permitted(request, name, WRITE)
    row = create_row(account, living, written_properties(request))
    return JsonResponse(object_json(name, row, list(row.written)), status=201)


@provider.route("PATCH DELETE", API, ONE)
def change_object(request: HttpRequest, name: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, name, WRITE)
    row = find_object(account, living, row_id)
    if request.method == "DELETE":
        if row is not None and row.deleted_ms is None:
            delete_row(account, living, row)
        return HttpResponse(status=204)
    if row is None or row.deleted_ms is not None:
        return not_found()
    changes = written_properties(request)
    return JsonResponse(object_json(name, update_row(account, living, row, changes), list(changes)))
