"""Shopify's GraphQL, over plain HTTP: pages, searches, costs, and what is written."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

SHOP = "shop-001.myshopify.com"
PAGE = "{ nodes { id title } pageInfo { hasNextPage endCursor } }"


@pytest.fixture
def ask(simulator):
    app = simulator.app("shopify")
    query = {"client_id": app["client_id"], "redirect_uri": app["redirect_uris"][0]}
    asked = urlencode({**query, "scope": "write_products", "state": "s1"})
    url = f"https://{SHOP}/admin/oauth/authorize?{asked}"
    code = dict(parse_qsl(urlsplit(simulator.consent(url, account=SHOP)).query))["code"]
    pair = {"client_id": app["client_id"], "client_secret": app["client_secret"], "code": code}
    url = simulator.url_for(f"https://{SHOP}/admin/oauth/access_token")
    token = simulator.http.post(url, json=pair).json()["access_token"]
    url = simulator.url_for(f"https://{SHOP}/admin/api/2026-10/graphql.json")

    def call(query="", content=None, **variables):
        body = (
            {"content": content} if content else {"json": {"query": query, "variables": variables}}
        )
        return simulator.http.post(url, headers={"X-Shopify-Access-Token": token}, **body)

    return call


def test_pages_are_walked_by_cursor_in_the_order_asked_for(ask, simulator):
    simulator.set_count("shopify", SHOP, 5, "products")
    query = (
        "query($after: String) { products(first: 3, after: $after, sortKey: UPDATED_AT, "
        f"reverse: true) {PAGE} }}"
    )

    first = ask(query).json()["data"]["products"]
    last = ask(query, after=first["pageInfo"]["endCursor"]).json()["data"]["products"]

    assert [len(page["nodes"]) for page in (first, last)] == [3, 2]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, last)] == [True, False]
    assert len({one["id"] for page in (first, last) for one in page["nodes"]}) == 5


def test_a_search_finds_by_fields_and_times(ask, simulator):
    simulator.set_count("shopify", SHOP, 5, "products")
    selected = "{ nodes { legacyResourceId updatedAt } }"
    query = "query($q: String) { products(first: 5, query: $q) " + selected + " }"

    def found(search):
        nodes = ask(query, q=search).json()["data"]["products"]["nodes"]
        return [(one["legacyResourceId"], one["updatedAt"]) for one in nodes]

    everything = found("")
    second = sorted(at for _, at in everything)[1]

    assert len(found(f"updated_at:>='{second}'")) == 4
    assert len(found(f"updated_at:>'{second}' AND status:*")) == 3
    assert found(f"id:{everything[0][0]} OR (id:{everything[1][0]})") == everything[:2]
    assert found(f"NOT id:{everything[0][0]} -id:{everything[1][0]}") == everything[2:]
    assert "errors" in ask(query, q="(status:active").json()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nonsense }", "undefinedField"),
        ("{ shop(x: 1) { id } }", "argumentNotAccepted"),
        ("{ shop }", "selectionMismatch"),
        ("{ products { nodes { id } } }", "BAD_REQUEST"),
        ("{ products(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ("{ orders(first: 1) { nodes { id } } }", "ACCESS_DENIED"),
        (
            "{ a: products(first: 250) { nodes { id } edges { node { id } } }"
            "b: products(first: 250) { nodes { id } edges { node { id } } } }",
            "MAX_COST_EXCEEDED",
        ),
    ],
)
def test_what_a_query_cannot_be_is_an_error_with_its_code(ask, query, code):
    answer = ask(query)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (200, code)


def test_a_body_that_is_no_request_is_a_400(ask):
    assert ask(content=b"{ shop { id } }").status_code == 400
    assert ask("{ shop ").json()["errors"][0]["message"].startswith("Syntax Error")


def test_a_query_costs_what_it_returns_and_an_empty_bucket_throttles(ask, simulator):
    simulator.set_count("shopify", SHOP, 3, "products")
    simulator.stop_clock()
    query = "{ products(first: 250) { edges { node { id } } } shop { id } }"

    cost = ask(query).json()["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (253, 6)
    assert cost["throttleStatus"]["currentlyAvailable"] == 1994

    simulator.set_count("shopify", SHOP, 250, "products")
    answers = [ask(query).json() for _ in range(8)]
    throttled = answers[7]
    assert ["data" in one for one in answers] == [True] * 7 + [False]
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert throttled["extensions"]["cost"]["actualQueryCost"] is None
    simulator.clock(3)
    assert "data" in ask(query).json()


def test_what_is_written_is_read_back_and_stands_in_the_oracle(ask, simulator):
    create = "mutation($p: ProductCreateInput) { productCreate(product: $p) %s }"
    selected = "{ product { id title status } userErrors { message } }"
    made = ask(create % selected, p={"title": "New", "status": "DRAFT"}).json()["data"]
    row_id = made["productCreate"]["product"]["id"]
    update = f"mutation($p: ProductUpdateInput) {{ productUpdate(product: $p) {selected} }}"
    ask(update, p={"id": row_id, "title": "Changed"})

    read = ask("query($id: ID!) { node(id: $id) { ... on Product { title status } } }", id=row_id)
    known = simulator.rows("shopify", SHOP, "products")["rows"][-1]["row"]
    assert read.json()["data"]["node"] == {"title": "Changed", "status": "DRAFT"}
    assert (known["admin_graphql_api_id"], known["title"]) == (row_id, "Changed")

    delete = "mutation($id: ID!) { productDelete(input: {id: $id}) { deletedProductId } }"
    assert ask(delete, id=row_id).json()["data"]["productDelete"]["deletedProductId"] == row_id
    assert ask("query($id: ID!) { product(id: $id) { id } }", id=row_id).json()["data"] == {
        "product": None
    }
    refused = ask(create % selected, p={"vendor": "x"}).json()["data"]["productCreate"]
    assert refused["userErrors"][0]["message"] == "title can't be blank"
