"""The simulated Shopify's REST lists, records and events.

https://shopify.dev/docs/api/admin-rest/usage/pagination
"""

import base64
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.shopify.api import VERSION, caller, with_usage_header
from sequin_admin.simulator.providers.shopify.common import SHOP, provider
from sequin_admin.simulator.rows.collection import (
    LivingRow,
    RowCollection,
    iso_seconds,
    parse_time,
)
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.wheel import ChangeKind
from sequin_admin.simulator.rows.writing import create_row, delete_row, update_row

LIST = rf"/admin/api/{VERSION}/(?P<name>products|orders|customers)"
ONE = rf"{LIST}/(?P<row_id>\d+)\.json"
USUAL, MOST = 50, 250
# Those of whose creation and deletion events tell.
TOLD = ("products", "orders")
VERBS = {ChangeKind.CREATE: "create", ChangeKind.DELETE: "destroy"}


def refused(status: int, message: object) -> SimulatedResponse:
    return SimulatedResponse(JsonResponse({"errors": message}, status=status))


def permitted(
    request: HttpRequest, shop: str, name: str, right: str = "read"
) -> tuple[SimulatedAccount, RowCollection]:
    """The account and the collection. Raises `SimulatedResponse` (403) without the scope."""
    grant = caller(request, shop)
    scopes = {f"{right}_{name}", f"write_{name}"}
    if grant.account.has("drop_scope") or not scopes & set(grant.scopes):
        message = f"[API] This action requires merchant approval for {right}_{name} scope."
        raise refused(403, message)
    return grant.account, provider.collections[name]


def page_size(request: HttpRequest) -> int:
    """`limit`, or 50. Raises `SimulatedResponse` (400)."""
    text = str(request.GET.get("limit", USUAL))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise refused(400, {"limit": f"must be from 1 to {MOST}"})
    return int(text)


class Filters:
    """What a list asks for. A `page_info` has it in it, and the row before the page."""

    def __init__(
        self, request: HttpRequest, account: SimulatedAccount, living: RowCollection
    ) -> None:
        query = request.GET.dict()
        self.last: int | None = None
        if "page_info" in query:
            if set(query) - {"page_info", "limit", "fields"}:
                raise refused(400, {"page_info": "no other filter may be given with it"})
            query, self.last = self._parse(str(query["page_info"]))
        moments = {n: parse_time(v) for n, v in query.items() if n.endswith(("_min", "_max"))}
        wrong = next((name for name, at_ms in moments.items() if at_ms is None), None)
        if wrong:
            raise refused(400, {wrong: "must be an ISO 8601 time"})
        self.moments = {name: at_ms for name, at_ms in moments.items() if at_ms is not None}
        self.query = {n: query[n] for n in ("order", "since_id", "ids", *moments) if n in query}
        self.order = query.get("order", "")
        self.account, self.living = account, living

    @staticmethod
    def _parse(text: str) -> tuple[dict[str, Any], int]:
        try:
            known = json.loads(base64.urlsafe_b64decode(text))
            query, last = dict(known["query"]), int(known["last"])
        except (ValueError, TypeError, KeyError) as error:
            raise refused(400, {"page_info": "Invalid value."}) from error
        return {str(name): str(value) for name, value in query.items()}, last

    def page_info(self, row: LivingRow) -> str:
        known = {"query": self.query, "last": row.number}
        return base64.urlsafe_b64encode(json.dumps(known).encode()).decode()

    def walk(self) -> Iterator[LivingRow]:
        rows = LivingRows(self.account, self.living)
        since = self.query.get("since_id")
        last = (
            self.last if self.last is not None else self.living.number_of(self.account, since or "")
        )
        before = rows.get(last)
        since_ms = self.moments.get("updated_at_min", 0)
        if self.order.startswith("updated_at"):
            newest_first = "asc" not in self.order
            if before is None:
                found = rows.by_change(since_ms, newest_first=newest_first)
            else:
                found = rows.by_change_after(before, since_ms, newest_first=newest_first)
        elif since_ms:
            later = sorted(rows.by_change(since_ms), key=lambda row: row.number)
            found = (row for row in later if last is None or row.number > last)
        else:
            found = rows.by_creation(before)
        return filter(self.fits, found)

    def fits(self, row: LivingRow) -> bool:
        """By the seconds of its times, which are what the provider tells."""
        times = {"created_at": row.created_ms, "updated_at": row.updated_ms}
        for name, at_ms in self.moments.items():
            value = times.get(name[:-4])
            if value is None:
                continue
            told = value // 1000 * 1000
            if told < at_ms if name.endswith("_min") else told > at_ms:
                return False
        return True


@provider.route("GET", SHOP, rf"{LIST}\.json")
def records(request: HttpRequest, shop: str, name: str) -> HttpResponse:
    """By id unless ordered by `updated_at`. The Link header (RFC 8288) leads to the next page."""
    account, living = permitted(request, shop, name)
    size, filters = page_size(request), Filters(request, account, living)
    page = list(islice(filters.walk(), size + 1))
    shown = [living.render(account, row) for row in page[:size]]
    response = with_usage_header(request, json_page({name: shown}))
    if len(page) > size:
        query = urlencode({"limit": size, "page_info": filters.page_info(page[size - 1])})
        path = request.path.removeprefix(f"/{shop}")
        response["Link"] = f'<https://{shop}{path}?{query}>; rel="next"'
    return response


@provider.route("GET", SHOP, rf"{LIST}/count\.json")
def count(request: HttpRequest, shop: str, name: str) -> HttpResponse:
    account, living = permitted(request, shop, name)
    return with_usage_header(request, JsonResponse({"count": LivingRows(account, living).count()}))


def find_record(account: SimulatedAccount, living: RowCollection, row_id: str) -> LivingRow:
    """Raises `SimulatedResponse` (404), for a deleted one too."""
    row = LivingRows(account, living).get(living.number_of(account, row_id))
    if row is None or row.deleted_ms is not None:
        raise refused(404, "Not Found")
    return row


@provider.route("GET", SHOP, ONE)
def one_record(request: HttpRequest, shop: str, name: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, shop, name)
    shown = living.render(account, find_record(account, living, row_id))
    return with_usage_header(request, JsonResponse({name[:-1]: shown}))


def parse_changes(request: HttpRequest, name: str) -> dict[str, Any]:
    """The fields in the body. Raises `SimulatedResponse` (400)."""
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    fields = given.get(name[:-1]) if isinstance(given, dict) else None
    if not isinstance(fields, dict):
        raise refused(400, {name[:-1]: "Required parameter missing or invalid"})
    fixed = ("id", "admin_graphql_api_id", "created_at", "updated_at")
    return {name: value for name, value in fields.items() if name not in fixed}


@provider.route("POST", SHOP, rf"{LIST}\.json")
def create_record(request: HttpRequest, shop: str, name: str) -> HttpResponse:
    account, living = permitted(request, shop, name, "write")
    row = create_row(account, living, parse_changes(request, name))
    shown = {name[:-1]: living.render(account, row)}
    return with_usage_header(request, JsonResponse(shown, status=201))


@provider.route("PUT DELETE", SHOP, ONE)
def change_record(request: HttpRequest, shop: str, name: str, row_id: str) -> HttpResponse:
    account, living = permitted(request, shop, name, "write")
    row = find_record(account, living, row_id)
    if request.method == "DELETE":
        delete_row(account, living, row)
        return with_usage_header(request, JsonResponse({}))
    changed = update_row(account, living, row, parse_changes(request, name))
    return with_usage_header(request, JsonResponse({name[:-1]: living.render(account, changed)}))


@provider.route("GET", SHOP, rf"/admin/api/{VERSION}/events\.json")
def events(request: HttpRequest, shop: str) -> HttpResponse:
    """Creations and deletions of products and orders, by id, which grows with time. `filter` is
    `Product` or `Order`, `verb` `create` or `destroy`."""
    account, size = caller(request, shop).account, page_size(request)
    since, kind, verb = (str(request.GET.get(n, "")) for n in ("since_id", "filter", "verb"))
    since_id = int(since) if since.isascii() and since.isdigit() and len(since) < 17 else 0
    since_ms = max(since_id // 1000, parse_time(str(request.GET.get("created_at_min", ""))) or 0)
    found = [
        event
        for name in TOLD
        if kind in ("", name[:-1].capitalize())
        for event in islice(events_of(account, name, since_ms, since_id, verb), size)
    ]
    found.sort(key=lambda event: event["id"])
    return with_usage_header(request, JsonResponse({"events": found[:size]}))


def events_of(
    account: SimulatedAccount, name: str, since_ms: int, since_id: int, verb: str
) -> Iterator[dict[str, Any]]:
    living = provider.collections[name]
    for event in LivingRows(account, living).events(since_ms):
        told = VERBS.get(event.kind)
        event_id = event.at_ms * 1000 + event.place % 500 * 2 + TOLD.index(name)
        if told and verb in ("", told) and event_id > since_id:
            yield {
                "id": event_id,
                "subject_id": int(living.id_of(account, event.row.number)),
                "subject_type": name[:-1].capitalize(),
                "created_at": iso_seconds(event.at_ms),
                "verb": told,
                "arguments": [],
                "author": "Shopify",
            }
