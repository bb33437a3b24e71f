"""Plain incremental readers, each written from what its provider documents and nothing else.

A reader has `rows`, what it believes the collection to hold, by id. `backfill` reads all of it,
`poll` what has changed since, and `finish` what is gone and told of in no other way.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.simulator_server import Simulator


class Caller:
    """Calls of one account with its `token`, which is asked for again when it has expired. When
    the provider throttles, the simulated clock goes on by `pause_s`."""

    def __init__(
        self,
        simulator: Simulator,
        base: str,
        token: Callable[[], str],
        pause_s: int = 1,
        header: str = "Authorization",
        **more: str,
    ) -> None:
        self.simulator, self.base, self.token, self.pause_s = simulator, base, token, pause_s
        self.header, self.more = header, more
        self.headers = dict[str, str]()

    def call(self, method: str, path: str, **options: Any) -> Any:
        url = self.simulator.url_for(path if path.startswith("https:") else f"{self.base}{path}")
        while True:
            answer = self.simulator.http.request(method, url, headers=self.headers, **options)
            if answer.status_code == 401:
                scheme = "Bearer " if self.header == "Authorization" else ""
                self.headers = {self.header: f"{scheme}{self.token()}", **self.more}
            elif answer.status_code == 429:
                self.simulator.clock(self.pause_s)
            else:
                return answer.raise_for_status()

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, params=query).json()


class StripeReader:
    """https://docs.stripe.com/api/pagination and /api/events: newest first; events for 30 days."""

    kind = "customer"

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.last_event = ""

    def backfill(self) -> None:
        newest = self.caller.get("/v1/events", limit=1)["data"]
        self.last_event = newest[0]["id"] if newest else ""
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = self.caller.get("/v1/customers", **query)
            self.rows.update({one["id"]: one for one in page["data"]})
            if not page["has_more"]:
                return
            query["starting_after"] = page["data"][-1]["id"]

    def finish(self) -> None:
        """Deletions are events, too."""

    def poll(self) -> None:
        """Events since the last one that was seen, the oldest of them first."""
        while True:
            query = {"ending_before": self.last_event} if self.last_event else {}
            page = self.caller.get("/v1/events", limit=100, type=f"{self.kind}.*", **query)
            for event in reversed(page["data"]):
                self.last_event, found = event["id"], event["data"]["object"]
                if event["type"] == f"{self.kind}.deleted":
                    self.rows.pop(found["id"], None)
                else:
                    self.rows[found["id"]] = found
            if not page["has_more"]:
                return


class HubSpotReader:
    """The CRM's search by the date of the last change, restarted there before it ends at 10,000,
    and the list of archived objects."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since = "0"

    def backfill(self) -> None:
        self.poll()

    def poll(self) -> None:
        changed = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": self.since}
        sort = {"propertyName": "lastmodifieddate", "direction": "ASCENDING"}
        properties = ["firstname", "lastname", "email", "phone", "city", "lifecyclestage"]
        asked: dict[str, Any] = {
            "filterGroups": [{"filters": [changed]}],
            "sorts": [sort],
            "properties": properties,
            "limit": 200,
        }
        while True:
            page = self.caller.call("POST", "/crm/v3/objects/contacts/search", json=asked).json()
            for one in page["results"]:
                self.rows[one["id"]] = one
                self.since = one["properties"]["lastmodifieddate"]
            if "paging" not in page:
                break
            asked["after"] = page["paging"]["next"]["after"]
            if int(asked["after"]) + asked["limit"] > 10_000:
                changed["value"] = self.since
                del asked["after"]

    def finish(self) -> None:
        self.read_archived()

    def read_archived(self) -> None:
        query: dict[str, Any] = {"archived": "true", "limit": 100}
        while True:
            page = self.caller.get("/crm/v3/objects/contacts", **query)
            for one in page["results"]:
                self.rows.pop(one["id"], None)
            if "paging" not in page:
                return
            query["after"] = page["paging"]["next"]["after"]


class GitHubReader:
    """Issues `since` a time, by pages; and a sweep of all numbers for those that are gone."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since = "1970-01-01T00:00:00Z"

    def pages(self, **query: Any) -> Iterator[Any]:
        asked = {"state": "all", "per_page": 100, **query}
        path = "/repos/paul-atreides/sietch/issues"
        answer = self.caller.call("GET", path, params=asked)
        while True:
            yield from answer.json()
            following = answer.links.get("next")
            if not following:
                return
            answer = self.caller.call("GET", following["url"])

    def backfill(self) -> None:
        self.poll()

    def poll(self) -> None:
        for one in self.pages(sort="updated", direction="asc", since=self.since):
            self.rows[str(one["number"])] = one
            self.since = one["updated_at"]

    def finish(self) -> None:
        """Nothing tells of a deleted issue but that it is not there."""
        there = {str(one["number"]) for one in self.pages()}
        self.rows = {number: one for number, one in self.rows.items() if number in there}


class AirtableReader:
    """Records that changed since the last look, by the formula of the last change, with a sweep
    of all ids for those that are gone. The time of a look is the caller's own."""

    path = "/v0/appArrakis0000001/Spice"

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since = ""

    def records(self, **query: Any) -> Iterator[Any]:
        while True:
            page = self.caller.get(self.path, **query)
            yield from page["records"]
            if "offset" not in page:
                return
            query["offset"] = page["offset"]

    def backfill(self) -> None:
        self.since = self.caller.simulator.state()["now"]
        self.rows = {one["id"]: one for one in self.records()}

    def poll(self) -> None:
        formula = f"NOT(IS_BEFORE(LAST_MODIFIED_TIME(), '{self.since}'))"
        self.since = self.caller.simulator.state()["now"]
        self.rows.update({one["id"]: one for one in self.records(filterByFormula=formula)})

    def finish(self) -> None:
        there = {one["id"] for one in self.records(**{"fields[]": "Name"})}
        self.rows = {number: one for number, one in self.rows.items() if number in there}


class SalesforceReader:
    """SOQL by `SystemModstamp`, pages by `nextRecordsUrl`, and `getDeleted`."""

    path = "/services/data/v62.0"
    soql = (
        "SELECT Id, IsDeleted, FirstName, LastName, Name, Email, Phone, CreatedDate, "
        "LastModifiedDate, SystemModstamp FROM Contact{} ORDER BY SystemModstamp, Id"
    )

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.seen, self.started = "1970-01-01T00:00:00Z", ""

    def backfill(self) -> None:
        self.started = self.caller.simulator.state()["now"]
        self.read(self.soql.format(""))

    def poll(self) -> None:
        """From the second of the last change on, in which there may be more by now."""
        self.read(self.soql.format(f" WHERE SystemModstamp >= {self.seen}"))

    def read(self, soql: str) -> None:
        page = self.caller.get(f"{self.path}/query", q=soql)
        while True:
            for record in page["records"]:
                record.pop("attributes")
                self.rows[record["Id"]] = record
                self.seen = record["SystemModstamp"]
            if page["done"]:
                return
            page = self.caller.get(page["nextRecordsUrl"])

    def finish(self) -> None:
        end = self.caller.simulator.state()["now"]
        ended = (datetime.fromisoformat(end) + timedelta(minutes=1)).isoformat()
        query = {"start": self.started, "end": ended}
        gone = self.caller.get(f"{self.path}/sobjects/Contact/deleted/", **query)
        for one in gone["deletedRecords"]:
            self.rows.pop(one["id"], None)


class ShopifyReader:
    """REST lists in order of `updated_at`, pages by the Link header, and events of deletions."""

    path = "/admin/api/2026-10"

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since, self.last_event = "1970-01-01T00:00:00Z", 0

    def backfill(self) -> None:
        self.poll()

    def poll(self) -> None:
        query = {"limit": 250, "order": "updated_at asc", "updated_at_min": self.since}
        answer = self.caller.call("GET", f"{self.path}/products.json", params=query)
        while True:
            for one in answer.json()["products"]:
                self.rows[str(one["id"])] = one
                self.since = one["updated_at"]
            if "next" not in answer.links:
                return
            answer = self.caller.call("GET", answer.links["next"]["url"])

    def finish(self) -> None:
        query = {"filter": "Product", "verb": "destroy", "limit": 250}
        while True:
            asked = {**query, "since_id": self.last_event}
            found = self.caller.get(f"{self.path}/events.json", **asked)["events"]
            for event in found:
                self.rows.pop(str(event["subject_id"]), None)
                self.last_event = event["id"]
            if not found:
                return


class QuickBooksReader:
    """All by a query in pages of 1,000, then change data capture, which tells of deletions."""

    path = "/v3/company/4620816365001234567"

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since = ""

    def backfill(self) -> None:
        self.since, start = self.caller.simulator.state()["now"], 1
        while True:
            statement = f"SELECT * FROM Invoice ORDERBY Id STARTPOSITION {start} MAXRESULTS 1000"
            found = self.caller.get(f"{self.path}/query", query=statement)["QueryResponse"]
            page = found.get("Invoice", [])
            self.rows.update({one["Id"]: one for one in page})
            start += len(page)
            if len(page) < 1000:
                return

    def poll(self) -> None:
        query = {"entities": "Invoice,Customer", "changedSince": self.since}
        self.since = self.caller.simulator.state()["now"]
        told = self.caller.get(f"{self.path}/cdc", **query)["CDCResponse"][0]["QueryResponse"]
        for one in (one for part in told for one in part.get("Invoice", [])):
            if one.get("status") == "Deleted":
                self.rows.pop(one["Id"], None)
            else:
                self.rows[one["Id"]] = one

    def finish(self) -> None:
        """Change data capture told of all deletions."""


class NetSuiteReader:
    """SuiteQL in pages of 1,000 in a unique order, and the table of deleted records."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since = "1970-01-01 00:00:00"

    def select(self, statement: str) -> Iterator[Any]:
        offset = 0
        while True:
            path = f"/services/rest/query/v1/suiteql?limit=1000&offset={offset}"
            page = self.caller.call("POST", path, json={"q": statement}).json()
            yield from page["items"]
            offset += 1000
            if not page["hasMore"]:
                return

    def backfill(self) -> None:
        self.poll()

    def poll(self) -> None:
        where = f"lastmodifieddate >= TO_DATE('{self.since}', 'YYYY-MM-DD HH24:MI:SS')"
        order = "ORDER BY lastmodifieddate, id"
        for one in self.select(f"SELECT * FROM customer WHERE {where} {order}"):
            del one["links"]
            self.rows[one["id"]] = one
            self.since = one["lastmodifieddate"]

    def finish(self) -> None:
        where = "type = 'customer' AND deleteddate >= TO_DATE('2026-01-01', 'YYYY-MM-DD')"
        for one in self.select(f"SELECT recordid FROM deletedrecord WHERE {where}"):
            self.rows.pop(one["recordid"], None)


class LinearReader:
    """Issues by `updatedAt`, the newest first, and those in the trash by `includeArchived`."""

    selected = (
        "id title description estimate priority createdAt updatedAt archivedAt trashed number "
        "identifier url branchName priorityLabel completedAt team { id } state { id } "
        "creator { id } assignee { id } labelIds"
    )
    query = (
        "query($since: DateTimeOrDuration, $after: String) { issues(first: 100, after: $after, "
        "orderBy: updatedAt, includeArchived: true, filter: { updatedAt: { gte: $since } }) { "
        f"nodes {{ {selected} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )

    def __init__(self, caller: Caller) -> None:
        self.caller, self.rows = caller, dict[str, Any]()
        self.since = "1970-01-01T00:00:00.000Z"

    def backfill(self) -> None:
        self.poll()

    def poll(self) -> None:
        asked: dict[str, Any] = {"since": self.since}
        while True:
            body = {"query": self.query, "variables": asked}
            page = self.caller.call("POST", "/graphql", json=body).json()["data"]["issues"]
            for one in page["nodes"]:
                self.since = max(self.since, one["updatedAt"])
                for name in ("team", "state", "creator", "assignee"):
                    about = one.pop(name)
                    one[f"{name}Id"] = about["id"] if about else None
                if one["trashed"]:
                    self.rows.pop(one["id"], None)
                else:
                    self.rows[one["id"]] = one
            if not page["pageInfo"]["hasNextPage"]:
                return
            asked["after"] = page["pageInfo"]["endCursor"]

    def finish(self) -> None:
        """The trash told of all deletions."""


Reader = (
    StripeReader
    | HubSpotReader
    | GitHubReader
    | AirtableReader
    | SalesforceReader
    | ShopifyReader
    | QuickBooksReader
    | NetSuiteReader
    | LinearReader
)
