"""Plain incremental readers, each written from what its provider documents and nothing else.

A reader has `rows`, what it believes the collection to hold, by id. `backfill` reads all of it,
`poll` what has changed since, and `finish` what is gone and told of in no other way.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.simulator_server import Simulator


class Caller:
    """Calls of one account with its `token`, which is asked for again when it has expired. When
    the provider throttles, the simulated clock goes on by `pause_s`."""

    def __init__(
        self, simulator: Simulator, base: str, token: Callable[[], str], pause_s: int = 1
    ) -> None:
        self.simulator, self.base, self.token, self.pause_s = simulator, base, token, pause_s
        self.headers = dict[str, str]()

    def call(self, method: str, path: str, **options: Any) -> Any:
        url = self.simulator.url_for(path if path.startswith("https:") else f"{self.base}{path}")
        while True:
            answer = self.simulator.http.request(method, url, headers=self.headers, **options)
            if answer.status_code == 401:
                self.headers = {"Authorization": f"Bearer {self.token()}"}
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


Reader = StripeReader | HubSpotReader | GitHubReader | AirtableReader
