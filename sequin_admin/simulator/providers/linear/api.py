"""The simulated Linear's GraphQL endpoint.

Limits: https://linear.app/developers/rate-limiting
"""

from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse
from graphql import GraphQLError, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from sequin_admin.simulator import faults
from sequin_admin.simulator.calls import state_of
from sequin_admin.simulator.framework import SimulatedResponse, bearer_token, json_page
from sequin_admin.simulator.graphql.documents import (
    GraphQLOperation,
    GraphQLRefusal,
    load_schema,
    parse_body,
    prepare,
    run,
)
from sequin_admin.simulator.graphql.selections import select
from sequin_admin.simulator.limits import count_call
from sequin_admin.simulator.models import SimulatedGrant
from sequin_admin.simulator.providers.linear.common import (
    API,
    HOURLY,
    graphql_error,
    limit_headers,
    provider,
)
from sequin_admin.simulator.providers.linear.complexity import count_points, rate_limits
from sequin_admin.simulator.providers.linear.mutations import mutations
from sequin_admin.simulator.providers.linear.oauth import server
from sequin_admin.simulator.providers.linear.queries import queries
from sequin_admin.simulator.rows.collection import Fields

SCHEMA = Path(__file__).with_name("schema.graphql")
CODES = {"parse": "GRAPHQL_PARSE_FAILED", "validate": "GRAPHQL_VALIDATION_FAILED"}


def caller(request: HttpRequest) -> SimulatedGrant:
    """The grant of the bearer token; counts the call. Raises `SimulatedResponse`."""
    token = server.find_access_token(bearer_token(request))
    if token is None:
        code = "AUTHENTICATION_ERROR"
        raise SimulatedResponse(
            graphql_error(401, "authentication error", code, "Authentication required")
        )
    account = token.grant.account
    faults.apply_faults(request, provider, account)
    left = count_call(provider, account.external_id, allowed=HOURLY, seconds=3600)
    state_of(request).response_headers.update(limit_headers("Requests", HOURLY, left))
    return token.grant


def check_scope(operation: GraphQLOperation, grant: SimulatedGrant) -> None:
    """Writing takes `write`, creating an issue at least `issues:create`. Raises
    `SimulatedResponse`."""
    if not operation.is_mutation or "write" in grant.scopes:
        return
    allowed = {"issueCreate"} if "issues:create" in grant.scopes else set()
    if {field.name for field in select(operation)} - allowed:
        message = "Invalid scope: `write` required"
        raise SimulatedResponse(graphql_error(200, "forbidden", "FORBIDDEN", message))


def team_issues(team: Fields, info: GraphQLResolveInfo[None], **arguments: object) -> object:
    """Of the workspace's one team all issues are."""
    root: Fields = info.root_value
    return root["issues"](info, **arguments)


@cache
def linear_schema() -> GraphQLSchema:
    schema = load_schema(SCHEMA)
    team = schema.type_map["Team"]
    if isinstance(team, GraphQLObjectType):
        team.fields["issues"].resolve = team_issues
    return schema


def error_json(error: GraphQLError, code: str = "") -> Fields:
    """As it is, or with the code of a document that was refused."""
    shown: Fields = {**error.formatted}
    if code:
        message = {"userError": True, "userPresentableMessage": "The query is invalid."}
        shown["extensions"] = {"type": "graphql error", "code": code, **message}
    return shown


@provider.route("POST", API, r"/graphql")
def graphql(request: HttpRequest) -> HttpResponse:
    """Errors of what was executed come with 200, those of the request itself with 400."""
    grant = caller(request)
    account = grant.account
    if account.has("drop_scope"):
        return graphql_error(200, "forbidden", "FORBIDDEN", "You don't have permission")
    asked = parse_body(request.body)
    if asked is None:
        message = "The body must be a JSON object with a query."
        return graphql_error(400, "graphql error", "BAD_REQUEST", message)
    try:
        operation = prepare(linear_schema(), asked)
    except GraphQLRefusal as refusal:
        code = CODES.get(refusal.stage, "BAD_USER_INPUT")
        return JsonResponse({"errors": [error_json(e, code) for e in refusal.errors]}, status=400)
    check_scope(operation, grant)
    count_points(request, account.external_id, operation)
    root = queries(account) | (mutations(account) if operation.is_mutation else {})
    result = run(operation, {**root, "rateLimitStatus": rate_limits(request)})
    errors = {"errors": [error_json(e) for e in result.errors]} if result.errors else {}
    return json_page({**errors, "data": result.data})
