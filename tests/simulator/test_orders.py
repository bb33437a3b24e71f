"""Lists in both directions, page by page: together they have all rows in their order."""

import pytest

from tests.simulator.readers import QuickBooksReader, SalesforceReader
from tests.simulator.test_living_rows import READERS, WRITERS
from tests.simulator_server import Simulator

ROWS = 130


@pytest.fixture
def living(simulator: Simulator):
    """A caller at a provider whose rows changed by themselves and by calls, and what the oracle
    knows of them."""

    def begin(provider):
        make, account, collection = READERS[provider]
        simulator.post("reset", at="2026-11-02T00:00:00Z")
        simulator.set_count(provider, account, ROWS, collection)
        simulator.set_heart(provider, account, 30)
        caller = make(simulator).caller
        simulator.clock(3_600)
        WRITERS[provider](caller)
        simulator.clock(5_400)
        simulator.set_heart(provider, account, 0)
        simulator.clock(60)
        known = simulator.rows(provider, account, collection)["rows"]
        return caller, {one["id"]: one["row"] for one in known}

    return begin


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("order", ["createdAt", "updatedAt"])
def test_linears_pages_go_forwards_and_back(living, order, down):
    caller, known = living("linear")
    how = "Descending" if down else "Ascending"
    query = (
        f"query($after: String) {{ issues(first: 20, after: $after, sort: {{ {order}: {{ order: "
        f"{how} }} }}) {{ nodes {{ id {order} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    )
    found, after, more = [], None, True
    while more:
        body = {"query": query, "variables": {"after": after}}
        page = caller.call("POST", "/graphql", json=body).json()["data"]["issues"]
        found += page["nodes"]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]

    times = [one[order] for one in found]
    assert times == sorted(times, reverse=down)
    assert len(found) == len(known)
    assert {one["id"] for one in found} == known.keys()


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("name", ["SystemModstamp", "Id"])
def test_salesforces_queries_are_sorted_both_ways(living, name, down):
    caller, known = living("salesforce")
    soql = f"SELECT Id, {name} FROM Contact ORDER BY {name} {'DESC' if down else 'ASC'}"

    found = caller.get(f"{SalesforceReader.path}/query", q=soql)["records"]

    values = [one[name] for one in found]
    assert values == sorted(values, reverse=down)
    assert {one["Id"] for one in found} == known.keys()
    assert len(found) == len(known)


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_hubspots_search_is_sorted_both_ways(living, direction):
    caller, known = living("hubspot")
    sort = {"propertyName": "lastmodifieddate", "direction": direction}
    asked = {"filterGroups": [], "sorts": [sort], "limit": 50, "after": "0"}
    found = []
    while "after" in asked:
        page = caller.call("POST", "/crm/v3/objects/contacts/search", json=asked).json()
        found += page["results"]
        asked = {**asked, **page.get("paging", {}).get("next", {})}
        if "paging" not in page:
            del asked["after"]

    times = [one["properties"]["lastmodifieddate"] for one in found]
    assert times == sorted(times, reverse=direction == "DESCENDING")
    assert {one["id"] for one in found} == known.keys()
    assert len(found) == len(known)


@pytest.mark.parametrize("order", ["id", "id DESC", "lastmodifieddate, id"])
def test_netsuites_offsets_skip_what_came_before(living, order):
    caller, known = living("netsuite")
    found = []
    for offset in range(0, ROWS + 40, 40):
        path = f"/services/rest/query/v1/suiteql?limit=40&offset={offset}"
        statement = {"q": f"SELECT id FROM customer ORDER BY {order}"}
        found += [one["id"] for one in caller.call("POST", path, json=statement).json()["items"]]

    assert len(found) == len(known)
    assert set(found) == known.keys()


def test_quickbooks_positions_skip_what_came_before(living):
    caller, known = living("quickbooks")
    found = []
    for start in range(1, ROWS + 41, 40):
        query = f"SELECT * FROM Invoice ORDERBY Id STARTPOSITION {start} MAXRESULTS 40"
        page = caller.get(f"{QuickBooksReader.path}/query", query=query)["QueryResponse"]
        found += [one["Id"] for one in page.get("Invoice", [])]

    assert len(found) == len(known)
    assert set(found) == known.keys()


@pytest.mark.parametrize("query", [{}, {"direction": "asc"}, {"sort": "updated"}])
def test_githubs_pages_skip_what_came_before(living, query):
    caller, known = living("github")
    found, times = [], []
    for page in range(1, 6):
        asked = {"state": "all", "per_page": 40, "page": page, **query}
        issues = caller.get("/repos/paul-atreides/sietch/issues", **asked)
        found += [str(one["number"]) for one in issues]
        times += [one[f"{query.get('sort', 'created')}_at"] for one in issues]

    assert len(found) == len(known)
    assert set(found) == known.keys()
    assert times == sorted(times, reverse="direction" not in query)


@pytest.mark.parametrize("order", ["updated_at asc", "updated_at desc"])
def test_shopifys_pages_follow_their_links(living, order):
    caller, known = living("shopify")
    query = {"limit": 40, "order": order}
    answer = caller.call("GET", "/admin/api/2026-10/products.json", params=query)
    found = answer.json()["products"]
    while "next" in answer.links:
        answer = caller.call("GET", answer.links["next"]["url"])
        found += answer.json()["products"]

    times = [one["updated_at"] for one in found]
    assert times == sorted(times, reverse=order.endswith("desc"))
    assert {str(one["id"]) for one in found} == known.keys()
    assert len(found) == len(known)
