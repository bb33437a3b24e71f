"""What is read of each provider, and how it tells of deletions, as its documentation says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from dlt.sources.rest_api import rest_api_source

from sequin_admin.client import Credential
from sequin_admin.client.dlt import OVERLAP_S, Page, client_config, pages_of, rest_client
from sequin_admin.client.runs import RunFailed

# HubSpot sends the properties that are asked for.
PROPERTIES = {
    "contact": ["firstname", "lastname", "email", "phone", "city", "lifecyclestage"],
    "company": ["name", "domain", "numberofemployees"],
    "deal": ["dealname", "amount", "closedate", "dealstage", "pipeline"],
    "product": ["name", "hs_sku", "price"],
    "line_item": ["name", "quantity", "price"],
    "ticket": [
        *("subject", "content", "hs_pipeline", "hs_pipeline_stage"),
        "hs_ticket_priority",
    ],
}
# Its search ends there.
MOST_FOUND, SEARCH_PAGE = 10_000, 200


def stripe(credential: Credential, name: str, cursor: Any) -> Iterator[Page]:
    """All objects once, then what events tell, which are kept for 30 days. Deletions are events.

    https://docs.stripe.com/api/events
    """
    pages = JSONResponseCursorPaginator(
        cursor_path="data[-1].id", cursor_param="starting_after", has_more_path="has_more"
    )
    api = rest_client(credential, paginator=pages, data_selector="data")
    cursor = cursor or {"since": newest_event(api), "after": None}
    if "after" in cursor:
        start = {"starting_after": cursor["after"]} if cursor["after"] else {}
        for page in api.paginate(f"/v1/{name}s", params={"limit": 100, **start}):
            yield Page(rows=page, cursor={**cursor, "after": page[-1]["id"] if page else None})
    since, newest, seen = cursor["since"], cursor["since"], set[str]()
    asked = {"limit": 100, "type": f"{name}.*", "created[gte]": max(since - OVERLAP_S, 0)}
    for events in api.paginate("/v1/events", params=asked):
        # The newest come first, so that the first event of an object tells how it is now.
        latest = {e["data"]["object"]["id"]: e for e in reversed(events)}
        rows = {key: event for key, event in latest.items() if key not in seen}
        newest = max([newest, *(event["created"] for event in events)])
        seen |= rows.keys()
        yield Page(
            rows=[e["data"]["object"] for e in rows.values() if not is_deletion(e)],
            gone=[key for key, event in rows.items() if is_deletion(event)],
        )
    yield Page(cursor={"since": newest})


def newest_event(api: Any) -> int:
    """Its time. What happens from now on comes later."""
    events = api.get("/v1/events", params={"limit": 1}).json()["data"]
    return int(events[0]["created"]) if events else 0


def is_deletion(event: dict[str, Any]) -> bool:
    return str(event["type"]).endswith(".deleted")


def hubspot(credential: Credential, name: str, cursor: Any) -> Iterator[Page]:
    """What has changed, by the search, and then the list of archived objects. HubSpot allows an
    account five searches a second: let the credential have no higher limit.

    https://developers.hubspot.com/docs/api-reference/search/guide
    """
    if name not in PROPERTIES:
        known = ", ".join(PROPERTIES)
        raise RunFailed(f"This program does not read {name}. Let the sync read some of {known}.")
    path = "companies" if name == "company" else f"{name}s"
    api = rest_client(credential)
    changed = "lastmodifieddate" if name == "contact" else "hs_lastmodifieddate"
    since = cursor["since"] if cursor else "1970-01-01T00:00:00.000Z"
    for rows in search(api, path, PROPERTIES[name], changed, earlier(since)):
        since = max([since, *(row["properties"][changed] for row in rows)])
        yield Page(rows=rows, cursor={"since": since})
    pages = JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after")
    asked = {"archived": "true", "limit": 100}
    for rows in api.paginate(f"/crm/v3/objects/{path}", params=asked, paginator=pages):
        yield Page(gone=[row["id"] for row in rows])


def search(
    api: Any, path: str, properties: list[str], changed: str, since: str
) -> Iterator[list[dict[str, Any]]]:
    """Pages in the order of their change; where the search ends, one begins from there."""
    found, after = 0, None
    while True:
        condition = {"propertyName": changed, "operator": "GTE", "value": since}
        answer = api.post(
            f"/crm/v3/objects/{path}/search",
            json={
                "filterGroups": [{"filters": [condition]}],
                "sorts": [{"propertyName": changed, "direction": "ASCENDING"}],
                "properties": properties,
                "limit": SEARCH_PAGE,
                **({"after": after} if after else {}),
            },
        )
        answer.raise_for_status()
        rows = answer.json()["results"]
        yield rows
        after = answer.json().get("paging", {}).get("next", {}).get("after")
        if not after:
            return
        found += len(rows)
        if found + SEARCH_PAGE > MOST_FOUND:
            found, after, since = 0, None, rows[-1]["properties"][changed]


def earlier(moment: str) -> str:
    """The search is behind by some seconds."""
    at = datetime.fromisoformat(moment).astimezone(UTC) - timedelta(seconds=OVERLAP_S)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def airtable(credential: Credential, table: str, cursor: Any) -> Iterator[Page]:
    """All records of a table, by dlt's `rest_api`: nothing tells which are gone.

    https://airtable.com/developers/web/api/list-records
    """
    pages = JSONResponseCursorPaginator(cursor_path="offset", cursor_param="offset")
    base = base_of(rest_client(credential, paginator=pages), table)
    endpoint = {"path": f"v0/{base}/{table}", "data_selector": "records"}
    source = rest_api_source(
        {
            "client": client_config(credential, paginator=pages),
            "resources": [{"name": "records", "endpoint": endpoint}],
        }
    )
    for rows in pages_of(source.resources["records"], 100):
        yield Page(rows=rows, seen=[row["id"] for row in rows])


def base_of(api: Any, table: str) -> str:
    """The base that a table is in."""
    for bases in api.paginate("/v0/meta/bases", data_selector="bases"):
        for base in bases:
            tables = api.get(f"/v0/meta/bases/{base['id']}/tables").json()["tables"]
            if table in [each["id"] for each in tables]:
                return str(base["id"])
    raise RunFailed(f"No base of this account has the table {table}.", owner="customer")
