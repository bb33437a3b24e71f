"""The simulated Salesforce's queries, in pages of a snapshot.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm
"""

import base64
import json
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse

from sequin_admin.simulator.framework import SimulatedResponse, json_page
from sequin_admin.simulator.models import SimulatedAccount
from sequin_admin.simulator.providers.salesforce.api import require_own_domain, with_usage_header
from sequin_admin.simulator.providers.salesforce.common import DOMAIN, api_error, provider
from sequin_admin.simulator.rows.collection import LivingRow, RowCollection
from sequin_admin.simulator.rows.living import LivingRows
from sequin_admin.simulator.rows.selecting import Selection
from sequin_admin.simulator.rows.statements import Statement, StatementError, StatementParser
from sequin_admin.simulator.rows.timeline import DAY_MS

DATA = r"/services/data/v(?P<version>\d+)\.0"
PAGE, LEAST = 2_000, 200
# A page can be asked for so long after the query.
LOCATOR_MS = 2 * DAY_MS


def refused(code: str, message: str, status: int = 400) -> SimulatedResponse:
    return SimulatedResponse(api_error(status, code, message))


def find_collection(name: str) -> RowCollection:
    """Raises `SimulatedResponse` (400)."""
    for living in provider.collections.values():
        if living.name.lower() == name.lower():
            return living
    raise refused("INVALID_TYPE", f"sObject type '{name}' is not supported.")


class SoqlQuery:
    """A query of an account as of `at_ms`, a locator's or now. Raises `SimulatedResponse` (400)."""

    def __init__(
        self, account: SimulatedAccount, soql: str, *, deleted: bool, at_ms: int | None = None
    ) -> None:
        try:
            self.statement: Statement = StatementParser(soql).parse()
        except StatementError as error:
            raise refused("MALFORMED_QUERY", f"{error}") from error
        self.account, self.soql, self.deleted = account, soql, deleted
        self.living = find_collection(self.statement.source)
        self.rows = LivingRows(account, self.living, at_ms)
        self.selection = Selection(
            self.rows,
            self.statement,
            self.values,
            changed="systemmodstamp",
            number="id",
            deleted=deleted,
        )

    def values(self, row: LivingRow) -> dict[str, Any]:
        shown = self.living.render(self.account, row)
        return {name.lower(): value for name, value in shown.items()}

    def total(self) -> int:
        numbers = self.statement.numbers
        found = max(self.selection.count() - numbers.get("offset", 0), 0)
        return min(found, numbers.get("limit", found))

    def page(
        self, total: int, sent: int, last: int | None, size: int, version: str
    ) -> dict[str, Any]:
        """`sent` records went before, the last of them of this number."""
        found = self.selection.walk(self.rows.get(last))
        skipped = 0 if last is not None else self.statement.numbers.get("offset", 0)
        page = list(islice(found, skipped, skipped + min(size, total - sent)))
        body: dict[str, Any] = {"totalSize": total, "done": sent + len(page) >= total}
        if not body["done"]:
            known = [self.soql, self.deleted, self.rows.at_ms, total, page[-1].number]
            body["nextRecordsUrl"] = (
                f"/services/data/v{version}.0/query/{to_locator(known)}-{sent + len(page)}"
            )
        return {**body, "records": [self.record(row, version) for row in page]}

    def record(self, row: LivingRow, version: str) -> dict[str, Any]:
        """The selected fields. Raises `SimulatedResponse` (400) for an unknown one."""
        shown = self.living.render(self.account, row)
        names = {name.lower(): name for name in shown}
        asked = [n for f in self.statement.fields for n in (names if f == "fields(all)" else [f])]
        unknown = next((name for name in asked if name not in names), None)
        if unknown is not None:
            message = f"No such column '{unknown}' on entity '{self.living.name}'."
            raise refused("INVALID_FIELD", message)
        url = f"/services/data/v{version}.0/sobjects/{self.living.name}/{shown['Id']}"
        attributes = {"attributes": {"type": self.living.name, "url": url}}
        return attributes | {names[name]: shown[names[name]] for name in asked}


def to_locator(known: list[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(known).encode()).decode().rstrip("=")


def page_size(request: HttpRequest) -> int:
    """`batchSize` of the header `Sforce-Query-Options`."""
    _, _, text = request.headers.get("Sforce-Query-Options", "").partition("batchSize=")
    return min(max(int(text), LEAST), PAGE) if text.isascii() and text.isdigit() else PAGE


@provider.route("GET", DOMAIN, rf"{DATA}/(?P<verb>query|queryAll)/?")
def query(request: HttpRequest, domain: str, version: str, verb: str) -> HttpResponse:
    account = require_own_domain(request, domain)
    asked = SoqlQuery(account, str(request.GET.get("q", "")), deleted=verb == "queryAll")
    total = asked.total()
    if asked.statement.fields == ["count()"]:
        body = {"totalSize": total, "done": True, "records": []}
    else:
        body = asked.page(total, 0, None, page_size(request), version)
    return with_usage_header(request, json_page(body))


@provider.route("GET", DOMAIN, rf"{DATA}/query(?:All)?/(?P<locator>[\w-]+)-(?P<sent>\d+)")
def next_page(
    request: HttpRequest, domain: str, version: str, locator: str, sent: str
) -> HttpResponse:
    """The page that a locator stands for. Raises `SimulatedResponse` (400)."""
    account = require_own_domain(request, domain)
    try:
        padded = locator + "=" * (-len(locator) % 4)
        soql, deleted, at_ms, total, last = json.loads(base64.urlsafe_b64decode(padded))
        soql, at_ms, total, last = str(soql), int(at_ms), int(total), int(last)
    except (ValueError, TypeError) as error:
        raise refused("INVALID_QUERY_LOCATOR", "invalid query locator") from error
    asked = SoqlQuery(account, soql, deleted=deleted, at_ms=at_ms)
    if LivingRows(account, asked.living).at_ms - at_ms > LOCATOR_MS:
        raise refused("INVALID_QUERY_LOCATOR", "invalid query locator: it has expired")
    body = asked.page(total, int(sent), last, page_size(request), version)
    return with_usage_header(request, json_page(body))
