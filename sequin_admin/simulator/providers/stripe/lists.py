"""The simulated Stripe's lists, objects and events: https://docs.stripe.com/api/pagination."""

import re
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.stripe.api import API, caller
from sequin_admin.simulator.providers.stripe.common import api_error, provider
from sequin_admin.simulator.providers.stripe.rows import CUSTOMERS
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

MOST = 100
TEXTS = ("name", "email", "phone", "description")
COLLECTION = r"(?P<name>customers|charges)"


def refused(message: str, code: str = "", status: int = 400) -> SimulatedResponse:
    return SimulatedResponse(api_error(status, "invalid_request_error", message, code))


def page_size(request: HttpRequest) -> int:
    """`limit`, or 10. Raises `SimulatedResponse` (400) unless it is from 1 to 100."""
    text = str(request.GET.get("limit", 10))
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST:
        return int(text)
    message = f"Invalid integer: limit must be from 1 to {MOST}"
    raise refused(message, "parameter_invalid_integer")


def created_bounds(request: HttpRequest) -> tuple[int, int]:
    """The first and the last second of `created`: a time, or `gt`, `gte`, `lt`, `lte` of it."""
    first, last = 0, 2**40
    for name, text in request.GET.dict().items():
        found = re.fullmatch(r"created(?:\[(gt|gte|lt|lte)\])?", name)
        if not found:
            continue
        if not (text.isascii() and text.isdigit() and len(text) < 12):
            raise refused(f"Invalid timestamp: {name} must be seconds since 1970")
        at, bound = int(text), found[1]
        first = max(first, {"gt": at + 1, "gte": at, None: at}.get(bound, first))
        last = min(last, {"lt": at - 1, "lte": at, None: at}.get(bound, last))
    return first, last


def cursor(request: HttpRequest) -> tuple[str, bool]:
    """The id of `starting_after` or `ending_before`, and whether it is the latter."""
    after, before = (request.GET.get(n, "") for n in ("starting_after", "ending_before"))
    if after and before:
        raise refused(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    return after or before, bool(before)


def list_json(
    url: str, found: Iterator[dict[str, Any]], size: int, *, backwards: bool
) -> HttpResponse:
    """The first of the found objects. They come the other way around for `ending_before`."""
    page = list(islice(found, size + 1))
    data = page[:size][:: -1 if backwards else 1]
    more = len(page) > size
    return json_page({"object": "list", "url": url, "data": data, "has_more": more})


def render(
    account: SimulatedAccount, living: RowCollection, row: LivingRow, live: bool
) -> dict[str, Any]:
    if row.deleted_ms is not None:
        known = living.render(account, row)
        return {"id": known["id"], "object": known["object"], "deleted": True}
    return {**living.render(account, row), "livemode": live}


def find_row(account: SimulatedAccount, living: RowCollection, text: str, param: str) -> LivingRow:
    """Raises `SimulatedResponse` (404 for the object itself, 400 for a cursor)."""
    row = LivingRows(account, living).get(living.number_of(account, text))
    if row is None:
        status = 404 if param == "id" else 400
        raise refused(f"No such {living.name[:-1]}: '{text}'", "resource_missing", status)
    return row


def is_live(request: HttpRequest) -> bool:
    return "_live_" in request.headers.get("Authorization", "")


@provider.route("GET", API, rf"/v1/{COLLECTION}")
def objects(request: HttpRequest, name: str) -> HttpResponse:
    """Newest first; deleted ones are left out."""
    account, _ = caller(request)
    living, size, (first, last) = (
        provider.collections[name],
        page_size(request),
        created_bounds(request),
    )
    text, backwards = cursor(request)
    other = find_row(account, living, text, "cursor") if text else None
    rows = LivingRows(account, living).by_creation(other, newest_first=not backwards)
    if not backwards:
        rows = takewhile(lambda row: row.created_ms // 1000 >= first, rows)
    email, live = request.GET.get("email"), is_live(request)
    fitting = (
        render(account, living, row, live)
        for row in rows
        if first <= row.created_ms // 1000 <= last and email in (None, row.fields.get("email"))
    )
    return list_json(f"/v1/{name}", fitting, size, backwards=backwards)


@provider.route("GET", API, rf"/v1/{COLLECTION}/(?P<row_id>\w+)")
def one_object(request: HttpRequest, name: str, row_id: str) -> HttpResponse:
    """The object; of a deleted one, that it is."""
    account, _ = caller(request)
    living = provider.collections[name]
    row = find_row(account, living, row_id, "id")
    return JsonResponse(render(account, living, row, is_live(request)))


def customer_changes(request: HttpRequest) -> dict[str, Any]:
    """The fields of the form. Raises `SimulatedResponse` (400) for one that is not simulated."""
    metadata: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for name, value in request.POST.dict().items():
        found = re.fullmatch(r"metadata\[(\w+)\]", name)
        if found:
            metadata[found[1]] = value
        elif name in TEXTS:
            changes[name] = value or None
        else:
            raise refused(f"Received unknown parameter: {name}", "parameter_unknown")
    return {**changes, "metadata": metadata} if metadata else changes


@provider.route("POST", API, r"/v1/customers")
def create_customer(request: HttpRequest) -> HttpResponse:
    account, _ = caller(request)
    empty = dict.fromkeys((*TEXTS, "address")) | {"balance": 0, "metadata": {}}
    row = create_row(account, CUSTOMERS, {**empty, **customer_changes(request)})
    return JsonResponse(render(account, CUSTOMERS, row, is_live(request)))


@provider.route("POST DELETE", API, r"/v1/customers/(?P<row_id>\w+)")
def change_customer(request: HttpRequest, row_id: str) -> HttpResponse:
    """Raises `SimulatedResponse` (404) for a deleted one."""
    account, _ = caller(request)
    row = find_row(account, CUSTOMERS, row_id, "id")
    if row.deleted_ms is not None:
        raise refused(f"No such customer: '{row_id}'", "resource_missing", 404)
    if request.method == "DELETE":
        row = delete_row(account, CUSTOMERS, row)
    else:
        changes = customer_changes(request)
        if "metadata" in changes:
            changes["metadata"] = {**row.fields["metadata"], **changes["metadata"]}
        row = update_row(account, CUSTOMERS, row, changes)
    return JsonResponse(render(account, CUSTOMERS, row, is_live(request)))
