"""Calls whose answers a provider publishes a description of: one of each path, with errors."""

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.simulator.customer import Customer
from tests.simulator.readers import Caller
from tests.simulator.test_github import App
from tests.simulator.test_living_rows import HUBSPOT_SCOPES, linear, shopify, stripe
from tests.simulator_server import Simulator

ARRAKIS = "arrakis.us.auth0.com"
ISSUES = "/repos/paul-atreides/sietch/issues"


def call_github(simulator: Simulator) -> None:
    app = App(simulator)
    user = app.exchange(app.install()["code"]).json()["access_token"]
    minted = app.mint().json()
    number, token = 47232440, minted["token"]
    for path in ("/app", "/app/installations", f"/app/installations/{number}"):
        app.call("GET", path)
    for path in ("/user", "/user/installations"):
        app.call("GET", path, user)
    simulator.set_count("github", "paul-atreides", 40, "sietch/issues")
    for path in ("/installation/repositories", f"{ISSUES}?state=all", f"{ISSUES}/3"):
        app.call("GET", path, token)
    made = app.call("POST", ISSUES, token, json={"title": "Written"}).json()["number"]
    app.call("PATCH", f"{ISSUES}/{made}", token, json={"state": "closed"})
    app.call("GET", f"{ISSUES}/{made}", token)
    app.call("GET", f"{ISSUES}/999999", token)
    app.call("POST", ISSUES, token, json={"title": ""})
    app.call("GET", "/app/installations/1")
    app.call("POST", "/app/installations/1/access_tokens")
    app.call("GET", "/user", "ghu_wrong")
    app.call("PUT", f"/app/installations/{number}/suspended")
    app.call("GET", f"/app/installations/{number}")
    app.call("POST", f"/app/installations/{number}/access_tokens")
    app.call("DELETE", f"/app/installations/{number}/suspended")
    simulator.act("github", "paul-atreides", "enterprise")
    app.call("GET", f"/app/installations/{number}")
    app.call("DELETE", "/installation/token", token)
    app.call("DELETE", f"/app/installations/{number}")


def call_hubspot(simulator: Simulator) -> None:
    # Version 1 of OAuth ends in 2027.
    simulator.post("reset", at="2026-11-02T00:00:00Z")
    him = Customer(simulator, "hubspot")
    others = "crm.objects.companies.read crm.objects.deals.read tickets crm.objects.owners.read"
    code = him.code(scope=f"{HUBSPOT_SCOPES} {others}")
    him.token_url = "https://api.hubapi.com/oauth/v1/token"
    tokens = him.redeem(code).json()
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    hubspot = Caller(simulator, "https://api.hubapi.com", lambda: access)
    for name in ("contacts", "companies", "deals", "tickets"):
        hubspot.get(f"/crm/v3/objects/{name}", limit=12)
    contacts = "/crm/v3/objects/contacts"
    body = {"properties": {"firstname": "Written"}}
    written = hubspot.call("POST", contacts, json=body).json()["id"]
    hubspot.call("PATCH", f"{contacts}/{written}", json=body)
    hubspot.get(f"{contacts}/{written}")
    hubspot.call("POST", f"{contacts}/search", json={"filterGroups": [], "limit": 12})
    for ids in (["1", "2"], ["1", "999999999"]):
        asked = {"inputs": [{"id": one} for one in ids], "properties": ["firstname"]}
        hubspot.call("POST", f"{contacts}/batch/read", json=asked)
    hubspot.call("DELETE", f"{contacts}/{written}")
    him.call(f"https://api.hubapi.com{contacts}/999999999", access)
    hubspot.get(contacts, archived="true")
    owners = hubspot.get("/crm/v3/owners")["results"]
    hubspot.get(f"/crm/v3/owners/{owners[0]['id']}")
    hubspot.get(f"/oauth/v1/access-tokens/{access}")
    hubspot.get(f"/oauth/v1/refresh-tokens/{refresh}")
    hubspot.call("DELETE", f"/oauth/v1/refresh-tokens/{refresh}")


def call_linear(simulator: Simulator) -> None:
    caller = linear(simulator).caller

    def run(query: str, **variables: object) -> Any:
        body = {"query": query, "variables": variables}
        return caller.call("POST", "/graphql", json=body).json()["data"]

    schema = build_client_schema(run(get_introspection_query()))
    root = schema.query_type
    assert root is not None
    known = run("query { issues(first: 1) { nodes { id } } projects(first: 1) { nodes { id } } }")
    ids = {f"{name[:-1]}": page["nodes"][0]["id"] for name, page in known.items()}
    for name, field in root.fields.items():
        given = {"id": ids[name]} if name in ids else {}
        if any(map(is_required_argument, field.args.values())) and not given:
            continue
        few = {"first": 3} if "first" in field.args else {}
        arguments = ", ".join(f"{n}: {v!r}" for n, v in {**given, **few}.items())
        asked = f"({arguments})".replace("'", '"') if arguments else ""
        run(f"query {{ {name}{asked} {select_all(schema, field, 3)} }}")
    team = run("query { teams { nodes { id } } }")["teams"]["nodes"][0]["id"]
    chosen = select_all(schema, root.fields["issue"], 2)
    write = "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { success "
    run(f"{write} lastSyncId issue {chosen} }} }}", input={"teamId": team, "title": "Written"})


def select_all(schema: GraphQLSchema, field: GraphQLField, depth: int) -> str:
    """A selection of all fields that take no argument, down to a depth."""
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return "{ __typename }"
    chosen = ["__typename"]
    for name, inner in kind.fields.items():
        shallow = depth > 1 or is_leaf_type(get_named_type(inner.type))
        if any(map(is_required_argument, inner.args.values())) or not shallow:
            continue
        few = "(first: 2)" if "first" in inner.args else ""
        chosen.append(f"{name}{few} {select_all(schema, inner, depth - 1)}")
    return f"{{ {' '.join(chosen)} }}"


def call_shopify(simulator: Simulator) -> None:
    caller = shopify(simulator, "write_products,read_orders,read_customers").caller
    path = "/admin/api/2026-04"
    caller.get("/admin/oauth/access_scopes.json")
    caller.get(f"{path}/shop.json")
    for name in ("customers", "orders", "products"):
        first = caller.get(f"{path}/{name}.json", limit=12)[name][0]["id"]
        caller.get(f"{path}/{name}/{first}.json")
    body = {"product": {"title": "Written"}}
    written = caller.call("POST", f"{path}/products.json", json=body).json()["product"]["id"]
    caller.call("PUT", f"{path}/products/{written}.json", json=body)
    caller.call("DELETE", f"{path}/products/{written}.json")
    caller.get(f"{path}/events.json")


def call_stripe(simulator: Simulator) -> None:
    caller = stripe(simulator).caller
    simulator.set_heart("stripe", "acct_1Arrakis0000001", 60)
    simulator.clock(7_200)
    caller.get("/v1/account")
    written = caller.call("POST", "/v1/customers", data={"name": "Written"}).json()["id"]
    caller.call("POST", f"/v1/customers/{written}", data={"name": "Changed"})
    caller.call("DELETE", f"/v1/customers/{written}")
    for name in ("customers", "charges", "events"):
        page = caller.get(f"/v1/{name}", limit=12)["data"]
        caller.get(f"/v1/{name}/{page[-1]['id']}")


def call_auth0(simulator: Simulator) -> None:
    app = simulator.app("auth0", ARRAKIS)
    asked = {
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "audience": f"https://{ARRAKIS}/api/v2/",
    }

    def token() -> str:
        answer = simulator.http.post(
            simulator.url_for(f"https://{ARRAKIS}/oauth/token"), json=asked
        )
        return str(answer.json()["access_token"])

    caller = Caller(simulator, f"https://{ARRAKIS}/api/v2", token)
    for path in ("tenants/settings", "clients", "users", f"clients/{app['client_id']}"):
        caller.get(f"/{path}")
    for path in ("clients", "users"):
        caller.get(f"/{path}", include_totals="true", per_page=2)
    job = caller.call("POST", "/jobs/users-exports", json={"format": "json"}).json()["id"]
    caller.get(f"/jobs/{job}")
    simulator.clock(60)
    caller.get(f"/jobs/{job}")


CALLS: dict[str, Callable[[Simulator], None]] = {
    "auth0": call_auth0,
    "github": call_github,
    "hubspot": call_hubspot,
    "linear": call_linear,
    "shopify": call_shopify,
    "stripe": call_stripe,
}
